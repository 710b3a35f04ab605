/**
 * What the kubelet makes of a value, as the API documents it: `$(NAME)` is replaced if the name is known and left alone if not,
 * and `$$` becomes `$`.
 */
export function expandLikeKubelet(text: string, known: Readonly<Record<string, string>> = {}): string {
  return text.replace(/\$(?:\$|\(([^)]*)\))/g, (whole, name?: string) => {
    if (name === undefined) {
      return '$';
    }
    return Object.hasOwn(known, name) ? known[name]! : whole;
  });
}
