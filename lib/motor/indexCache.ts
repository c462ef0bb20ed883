/** Until when an index is known to exist; other clients' changes are not seen. */
export class IndexCache {
  /** By database, collection and name of the index. */
  readonly #known = new Map<string, Map<string, number>>();

  /** @param cacheFor seconds */
  remember(namespace: string, index: string, cacheFor: number): void {
    let indexes = this.#known.get(namespace);
    if (indexes === undefined) {
      indexes = new Map();
      this.#known.set(namespace, indexes);
    }
    indexes.set(index, performance.now() + cacheFor * 1000);
  }

  knows(namespace: string, index: string): boolean {
    return (this.#known.get(namespace)?.get(index) ?? 0) > performance.now();
  }

  forget(namespace: string, index?: string): void {
    if (index === undefined) this.#known.delete(namespace);
    else this.#known.get(namespace)?.delete(index);
  }

  forgetDatabase(database: string): void {
    for (const namespace of this.#known.keys()) if (namespace.startsWith(`${database}.`)) this.#known.delete(namespace);
  }
}
