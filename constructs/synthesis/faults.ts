/** More do not help, and hide the first. */
const MAXIMUM_SHOWN = 20;

/** Faults of many charts, reported together. */
export class Faults {
  private readonly errors: Error[] = [];

  /** Runs the body and keeps what it throws. */
  public keep<T>(body: () => T): T | undefined {
    try {
      return body();
    } catch (error) {
      this.errors.push(error as Error);
      return undefined;
    }
  }

  /** Throws if there was a fault: a single one as it is, several in one text. */
  public check(title: string): void {
    const [first, ...others] = this.errors;
    if (first !== undefined) {
      throw others.length === 0 ? first : new Error(listed(title, this.errors.map(({ message }) => message)), { cause: first });
    }
  }
}

/** The first twenty messages, a line each, and how many there are beside them. */
export function listed(title: string, messages: readonly string[]): string {
  const more = messages.length - MAXIMUM_SHOWN;
  return [title, ...messages.slice(0, MAXIMUM_SHOWN), ...(more > 0 ? [`and ${String(more)} more`] : [])].join('\n  ');
}
