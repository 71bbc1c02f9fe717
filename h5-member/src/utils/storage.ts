/** What stays on the device. WebViews may forbid or empty it at any time: then it lasts as long as the page. */

type Key = "token" | "camps" | "reloaded" | "logins" | "returnTo" | `draft:${string}`;

const PREFIX = "camp:";

class Storage {
  private readonly memory = new Map<string, string>();

  constructor(private readonly open: () => globalThis.Storage) {}

  /** The value stored by `set`, or null when there is none, or none that can be read. */
  get(key: Key): unknown {
    const text = this.attempt((storage) => storage.getItem(PREFIX + key)) ?? this.memory.get(key);
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
      storage.setItem(PREFIX + key, text);
    });
  }

  remove(key: Key): void {
    this.memory.delete(key);
    this.attempt((storage) => {
      storage.removeItem(PREFIX + key);
    });
  }

  /** Forbidden (private mode), full, or switched off: all throw. */
  private attempt<T>(use: (storage: globalThis.Storage) => T): T | undefined {
    try {
      return use(this.open()) ?? undefined;
    } catch {
      return undefined;
    }
  }
}

/** Kept until it is removed. */
export const local = new Storage(() => window.localStorage);

/** Kept until the tab is closed. */
export const perTab = new Storage(() => window.sessionStorage);
