/** What stays on the device. WebViews may forbid or empty it at any time: then it lasts as long as the page. */

/** A corner of the browser's storage; `Key` lists every name in use. */
export class Kept<Key extends string> {
  private readonly memory = new Map<string, string>();

  constructor(
    private readonly open: () => Storage,
    private readonly prefix: string,
  ) {}

  /** The value stored by `set`, or null when there is none, or none that can be read. */
  get(key: Key): unknown {
    const text = this.attempt((storage) => storage.getItem(this.prefix + key)) ?? this.memory.get(key);
    if (text === undefined) return null;
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return null;
    }
  }

  /** Values are stored as JSON. */
  set(key: Key, value: unknown): void {
    const text = JSON.stringify(value);
    this.memory.set(key, text);
    this.attempt((storage) => {
      storage.setItem(this.prefix + key, text);
    });
  }

  remove(key: Key): void {
    this.memory.delete(key);
    this.attempt((storage) => {
      storage.removeItem(this.prefix + key);
    });
  }

  /** Forbidden (private mode), full, or switched off: all throw. */
  private attempt<T>(use: (storage: Storage) => T): T | undefined {
    try {
      return use(this.open()) ?? undefined;
    } catch {
      return undefined;
    }
  }
}
