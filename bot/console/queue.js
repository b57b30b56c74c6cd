/* What a person sent and the server has not said yes to. It outlives a reload, a closed tab and a dead server. */

const MEMORY = new Map();

function storage() {
  try {
    localStorage.setItem("doorstep", "");
    return localStorage;
  } catch {
    return null; // Private windows may forbid it: then a reload loses what was not sent, and nothing else changes.
  }
}

/** Ids must be hard to guess, and this works without https too, where randomUUID is not offered. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Queue {
  /** Each message has a key of its own, so that two tabs never write over each other's. */
  constructor(name) {
    this.prefix = `doorstep:${name}:`;
    this.store = storage();
    this.count = 0;
  }

  add(message) {
    const order = `${String(Date.now()).padStart(15, "0")}-${String(this.count++).padStart(6, "0")}`;
    const item = { ...message, event: newId() };
    item.key = `${this.prefix}queue:${order}-${item.event.slice(0, 8)}`;
    this.write(item.key, item);
    return item;
  }

  /** Everything that waits, oldest first, also what another tab or an earlier visit left behind. */
  all() {
    const keys = [...MEMORY.keys(), ...(this.store ? Object.keys(this.store) : [])];
    const own = keys.filter((key) => key.startsWith(`${this.prefix}queue:`));
    return [...new Set(own)].sort().map((key) => this.read(key)).filter((item) => item && item.event);
  }

  remove(item) {
    this.forget(item.key);
  }

  /** What is typed or ticked and not sent yet. */
  get draft() {
    return this.read(`${this.prefix}draft`) || {};
  }

  set draft(draft) {
    this.write(`${this.prefix}draft`, draft);
  }

  read(key) {
    try {
      return JSON.parse(MEMORY.get(key) ?? this.store?.getItem(key) ?? "null");
    } catch {
      return null;
    }
  }

  write(key, value) {
    const text = JSON.stringify(value);
    try {
      this.store.setItem(key, text);
      MEMORY.delete(key);
    } catch {
      MEMORY.set(key, text); // The quota is full, or there is no storage.
    }
  }

  forget(key) {
    MEMORY.delete(key);
    this.store?.removeItem(key);
  }
}
