/** Work under the same key is done in the order it came, one piece after the other. */
export class Turns {
  private readonly last = new Map<string, Promise<void>>();

  take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.last.get(key) ?? Promise.resolve();
    const result = before.then(work);
    // The next one only waits; whether this one failed is its caller's affair.
    const done = result.then(
      () => undefined,
      () => undefined,
    );
    this.last.set(key, done);
    void done.finally(() => {
      if (this.last.get(key) === done) this.last.delete(key);
    });
    return result;
  }
}
