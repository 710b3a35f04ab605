import type { PodFile, PodFragment } from './pod-fragment';
import { checkUser, type PodUser } from './pod-user';

/** Where a non-root user's home is: an emptyDir, so that vendor tools can write caches. */
export const HOME = '/home/chatglm';

/** How much the pods of a workload are held back. */
export class SecurityLevel {
  /** The user and the rights that the image was built for, mostly root; no service account token, no privilege beyond that. */
  public static readonly VENDOR_DEFAULT = new SecurityLevel('vendor-default', vendorDefault);

  /**
   * Not root: the platform's user (1000:1000 if none is said) with an entry in `/etc/passwd`, a writable home and the driver's group,
   * no capabilities, no gain of privileges.
   */
  public static readonly NON_ROOT = new SecurityLevel('non-root', (user) => nonRoot(user, false));

  /** What PodSecurity `restricted` asks for, and a read-only root file system, with a writable home and `/tmp`. Vendor images rarely start like this. */
  public static readonly RESTRICTED = new SecurityLevel('restricted', (user) => nonRoot(user, true));

  private constructor(
    /** The level's name. */
    public readonly name: string,
    private readonly fragment: (user: PodUser | undefined) => Omit<PodFragment, 'source'>,
  ) {}

  /** @internal */
  public _fragment(user: PodUser | undefined): PodFragment {
    return { source: `security level '${this.name}'`, ...this.fragment(user) };
  }
}

/** What an unprivileged container of our own gets, whatever the level of the pod's main container. */
export const RESTRICTED_CONTAINER = Object.freeze({
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  readOnlyRootFilesystem: true,
  seccompProfile: { type: 'RuntimeDefault' },
});

function vendorDefault(user: PodUser | undefined): Omit<PodFragment, 'source'> {
  return user === undefined ? { podSecurityContext: { seccompProfile: { type: 'RuntimeDefault' } } } : nonRoot(user, false);
}

function nonRoot(user: PodUser = { uid: 1000 }, readOnlyRootFilesystem: boolean): Omit<PodFragment, 'source'> {
  checkUser(user);
  const { uid, gid = uid, groups = [], name = 'chatglm' } = user;
  return {
    podSecurityContext: {
      runAsNonRoot: true, runAsUser: uid, runAsGroup: gid, fsGroup: gid, fsGroupChangePolicy: 'OnRootMismatch', seccompProfile: { type: 'RuntimeDefault' },
      ...(groups.length > 0 && { supplementalGroups: [...groups] }),
    },
    securityContext: {
      allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] },
      ...(readOnlyRootFilesystem && { readOnlyRootFilesystem }),
    },
    // Tools that look themselves up without an entry in /etc/passwd take the name from here.
    env: [{ name: 'HOME', value: HOME }, { name: 'USER', value: name }, { name: 'LOGNAME', value: name }],
    volumes: [{ name: 'home', emptyDir: {} }, ...(readOnlyRootFilesystem ? [{ name: 'tmp', emptyDir: {} }] : [])],
    mounts: [{ name: 'home', mountPath: HOME }, ...(readOnlyRootFilesystem ? [{ name: 'tmp', mountPath: '/tmp' }] : [])],
    ...(!readOnlyRootFilesystem && { files: accountFiles(user) }),
  };
}

function accountFiles({ uid, gid = uid, name = 'chatglm' }: PodUser): PodFile[] {
  return [
    { path: '/etc/passwd', text: `root:x:0:0:root:/root:/bin/sh\n${name}:x:${String(uid)}:${String(gid)}::${HOME}:/bin/sh\n` },
    { path: '/etc/group', text: `root:x:0:\n${name}:x:${String(gid)}:\n` },
  ];
}
