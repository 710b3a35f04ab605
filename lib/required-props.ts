/**
 * Throws unless the props are there. Type checkers see to that, but not everybody runs one: tsx and plain JavaScript take a misspelt constant for undefined.
 */
export function checkGiven<P extends object>(props: P, ...required: readonly (keyof P & string)[]): void {
  const missing = required.find((prop) => props[prop] === undefined);
  if (missing !== undefined) {
    throw new Error(`'${missing}' is missing, or a constant that does not exist, such as a misspelt one`);
  }
}
