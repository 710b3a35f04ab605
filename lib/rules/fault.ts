/** A place inside an object: the keys that lead there from its root. */
export type Place = readonly (number | string)[];

/** What is wrong, in one sentence, and where. */
export interface Fault {
  readonly message: string;
  readonly place: Place;
}

/** A fault at a place. */
export function fault(message: string, ...place: (number | string)[]): Fault {
  return { message, place };
}

/** A value as messages name it: in quotes, or that it is not there. */
export function quoted(value: string | undefined): string {
  return value === undefined ? 'missing' : `'${value}'`;
}
