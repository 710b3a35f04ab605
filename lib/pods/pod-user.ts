/** The user that containers run as. */
export interface PodUser {
  /** User id, from 1: root has no entry here. */
  readonly uid: number;

  /**
   * Group id, from 1; volumes belong to it where the storage allows that.
   *
   * @default - the same as `uid`
   */
  readonly gid?: number;

  /**
   * Further groups. On Ascend nodes the driver's group (`HwHiAiUser`, mostly 1000) must be one of them, unless `gid` is it.
   *
   * @default - none
   */
  readonly groups?: number[];

  /**
   * The user's name in `/etc/passwd`, which the pod gets a copy of with this entry, because vendor tools look themselves up.
   *
   * @default 'chatglm'
   */
  readonly name?: string;
}

/**
 * Throws unless all ids are whole numbers from 1.
 *
 * @param user the user to check
 */
export function checkUser({ uid, gid = uid, groups = [], name = 'chatglm' }: PodUser): void {
  for (const [what, id] of [['uid', uid], ['gid', gid], ...groups.map((group) => ['groups', group] as const)] as const) {
    if (!Number.isInteger(id) || id < 1 || id > 2147483647) {
      throw new Error(`'${what}' of a pod's user must be a whole number from 1, got ${String(id)}; to run as root leave the user out`);
    }
  }
  if (!/^[a-z_][a-z0-9_-]{0,31}$/.test(name)) {
    throw new Error(`'name' of a pod's user must be a Linux user name, got '${name}'`);
  }
}
