/** Something made when it is first wanted, once; a failed try is not kept. */
export class Single<T> {
  private made: Promise<T> | undefined;

  constructor(private readonly make: () => Promise<T> | T) {}

  get(): Promise<T> {
    this.made ??= (async () => this.make())().catch((error: unknown) => {
      this.made = undefined;
      throw error;
    });
    return this.made;
  }
}
