import { SecurityLevel } from 'cdk8s-chatglm';

import { thrownBy } from '../../support/thrown';

const USER = { uid: 4000, gid: 5000, groups: [1000], name: 'glm' };
const HOME = { env: [{ name: 'HOME', value: '/home/chatglm' }, { name: 'USER', value: 'glm' }, { name: 'LOGNAME', value: 'glm' }] };

test('the vendor\'s default keeps the image\'s user and adds the default seccomp profile', () => {
  expect(SecurityLevel.VENDOR_DEFAULT._fragment(undefined)).toEqual({
    source: 'security level \'vendor-default\'', podSecurityContext: { seccompProfile: { type: 'RuntimeDefault' } },
  });
});

test('a user is not root, is known to the image, can write its home and is in the driver\'s group', () => {
  expect(SecurityLevel.NON_ROOT._fragment(USER)).toEqual({
    source: 'security level \'non-root\'',
    podSecurityContext: {
      runAsNonRoot: true, runAsUser: 4000, runAsGroup: 5000, fsGroup: 5000, fsGroupChangePolicy: 'OnRootMismatch', supplementalGroups: [1000],
      seccompProfile: { type: 'RuntimeDefault' },
    },
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    ...HOME,
    volumes: [{ name: 'home', emptyDir: {} }],
    mounts: [{ name: 'home', mountPath: '/home/chatglm' }],
    files: [
      { path: '/etc/passwd', text: 'root:x:0:0:root:/root:/bin/sh\nglm:x:4000:5000::/home/chatglm:/bin/sh\n' },
      { path: '/etc/group', text: 'root:x:0:\nglm:x:5000:\n' },
    ],
  });
});

test('a platform\'s user makes the vendor\'s default not root, too', () => {
  expect({ ...SecurityLevel.VENDOR_DEFAULT._fragment(USER), source: '' }).toEqual({ ...SecurityLevel.NON_ROOT._fragment(USER), source: '' });
});

test('restricted adds a read-only root file system, and places to write', () => {
  expect(SecurityLevel.RESTRICTED._fragment(USER)).toEqual({
    source: 'security level \'restricted\'',
    podSecurityContext: SecurityLevel.NON_ROOT._fragment(USER).podSecurityContext,
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true },
    ...HOME,
    volumes: [{ name: 'home', emptyDir: {} }, { name: 'tmp', emptyDir: {} }],
    mounts: [{ name: 'home', mountPath: '/home/chatglm' }, { name: 'tmp', mountPath: '/tmp' }],
  });
});

test('without a user it is 1000:1000', () => {
  const { podSecurityContext, env } = SecurityLevel.RESTRICTED._fragment(undefined);

  expect(podSecurityContext).toMatchObject({ runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000 });
  expect(podSecurityContext).not.toHaveProperty('supplementalGroups');
  expect(env).toContainEqual({ name: 'USER', value: 'chatglm' });
});

test.each([
  [{ uid: 0 }, '\'uid\' of a pod\'s user must be a whole number from 1, got 0; to run as root leave the user out'],
  [{ uid: 1.5 }, '\'uid\' of a pod\'s user must be a whole number from 1, got 1.5; to run as root leave the user out'],
  [{ uid: 2147483648 }, '\'uid\' of a pod\'s user must be a whole number from 1, got 2147483648; to run as root leave the user out'],
  [{ uid: 1, gid: -1 }, '\'gid\' of a pod\'s user must be a whole number from 1, got -1; to run as root leave the user out'],
  [{ uid: 1, groups: [1000, 0] }, '\'groups\' of a pod\'s user must be a whole number from 1, got 0; to run as root leave the user out'],
  [{ uid: 1, name: 'glm:x' }, '\'name\' of a pod\'s user must be a Linux user name, got \'glm:x\''],
])('a user who cannot be is refused: %j', (user, message) => {
  expect(thrownBy(() => SecurityLevel.RESTRICTED._fragment(user))).toBe(message);
});
