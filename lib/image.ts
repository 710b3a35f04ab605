/** Registry, repository and tag or digest; the tag is not optional, because an image without one changes under a running platform. */
const IMAGE = /^(?:([a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)*(?::\d+)?)\/)?([a-z0-9]+(?:(?:[._/]|__|-+)[a-z0-9]+)*)(?::([\w][\w.-]{0,127}))?(@sha256:[0-9a-f]{64})?$/;

/**
 * Throws unless an image is pinned by a full tag or a digest.
 *
 * @param prop how the error names the prop
 */
export function checkImage(prop: string, image: string): void {
  const match = IMAGE.exec(image);
  if (match === null) {
    throw new Error(`'${prop}' must be an image like 'registry.example/path/name:tag', got '${image}'`);
  }
  const [, , , tag, digest] = match;
  if (digest === undefined && (tag === undefined || tag === 'latest')) {
    throw new Error(`'${prop}' must be pinned by a full tag or a digest, got '${image}'`);
  }
}

/**
 * The name of an image in a mirror: the registry's host is replaced by the mirror.
 *
 * @param mirror host and path, e.g. `harbor.corp.example/mirror`
 */
export function mirrored(image: string, mirror: string | undefined): string {
  if (mirror === undefined || image.startsWith(`${mirror}/`)) {
    return image;
  }
  const [first, ...rest] = image.split('/') as [string, ...string[]];
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  return `${mirror}/${hasHost ? rest.join('/') : image}`;
}
