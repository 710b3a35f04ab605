/** What a careless or malicious user writes: what it is, the program, and the whole message that it must end with. */
export type BadInput = readonly [what: string, program: () => unknown, message: string];

/** Each program must throw exactly its message, at construction or at synth. */
export function refuses(cases: readonly BadInput[]): void {
  test.each(cases)('%s', (_what, program, message) => {
    expect(messageOf(program)).toBe(message);
  });
}

/** The whole message of what a program throws, with `<digest>` for the digest in a Job's name; undefined if it throws nothing. */
export function messageOf(program: () => unknown): string | undefined {
  try {
    program();
    return undefined;
  } catch (error) {
    return (error as Error).message.replace(/(Job\/[a-z-]+-)[0-9a-f]{8}(?=:)/g, '$1<digest>');
  }
}
