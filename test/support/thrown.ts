/** The message of the error that a body throws, for comparison as a whole. */
export function thrownBy(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('the body was expected to throw, but it returned');
}
