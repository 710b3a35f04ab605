import type { IConstruct } from 'constructs';

/** Runs the body and puts the construct's path in front of what it throws, so that an error names its place in the tree. */
export function located<T>(scope: IConstruct, body: () => T): T {
  try {
    return body();
  } catch (error) {
    const { message } = error as Error;
    throw message.startsWith('[') ? error : new Error(`[${scope.node.path}] ${message}`, { cause: error });
  }
}
