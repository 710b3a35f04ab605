import * as path from 'node:path';

/** Places of a pod's files on this machine: by absolute path in the pod. */
export type Places = ReadonlyMap<string, string>;

/** Rewrites every path of the pod in a text to its place here; longer paths first, and only whole names. */
export function rewrite(text: string, places: Places): string {
  const known = [...places.keys()].sort((a, b) => b.length - a.length);
  if (known.length === 0) {
    return text;
  }
  const names = known.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
  return text.replace(new RegExp(`(^|[=:'"\\s,(])(${names})(?=$|[/:'"\\s,;)])`, 'g'), (_all, before: string, name: string) => `${before}${places.get(name)!}`);
}

/** Where the volumes of a pod are here. */
export class Volumes {
  public constructor(private readonly root: string) {}

  /** A claim's folder, which outlives pods. */
  public claim(name: string): string {
    return path.join(this.root, 'claims', name);
  }

  /** A volume of one pod. */
  public ofPod(pod: string, volume: string): string {
    return path.join(this.root, 'pods', pod, volume);
  }
}
