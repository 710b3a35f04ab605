/**
 * Tries until `check` neither throws nor returns undefined, and returns what it returned. After `seconds` it throws the
 * last reason.
 */
export async function eventually<T>(what: string, check: () => Promise<T | undefined>, seconds = 45): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (let reason = 'it is not so yet'; ; ) {
    try {
      const value = await check();
      if (value !== undefined) {
        return value;
      }
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
    if (Date.now() > end) {
      throw new Error(`${what}: not within ${String(seconds)} s: ${reason}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
