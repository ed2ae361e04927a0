/** The storage of a phone, as uni has it; nothing else of uni is needed by what is tested here. */
const kept = new Map<string, string>()

Object.assign(globalThis, {
  uni: {
    getStorageSync: (name: string): unknown => (kept.has(name) ? JSON.parse(kept.get(name) as string) : ''),
    setStorageSync: (name: string, value: unknown) => void kept.set(name, JSON.stringify(value)),
    removeStorageSync: (name: string) => void kept.delete(name),
    clearStorageSync: () => kept.clear(),
  },
})
