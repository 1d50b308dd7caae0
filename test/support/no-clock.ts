import { beforeAll } from 'vitest';

/** Core tests prove purity too: reading the clock or chance inside the core throws. */
beforeAll(() => {
  const forbidden = (what: string) => () => {
    throw new Error(`${what} was read in a core test: time and randomness come in as arguments`);
  };
  const realNow = Date.now.bind(Date);
  const fromCore = () =>
    /controller\/(core|engine|commands)\/|agent\/core\//.test(new Error().stack ?? '');
  Date.now = () => (fromCore() ? forbidden('Date.now')() : realNow()) as number;
  const realRandom = Math.random.bind(Math);
  Math.random = () => (fromCore() ? forbidden('Math.random')() : realRandom()) as number;
});
