/** Freezes plain objects and arrays, however deep; instances of classes are left alone. */
export function deepFreeze<T>(value: T): T {
  if (isPlain(value)) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}

function isPlain(value: unknown): value is object {
  return Array.isArray(value) || (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype);
}
