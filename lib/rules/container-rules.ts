import { checkImage } from '../image';
import { inContainers } from './examined-object';
import { fault } from './fault';
import type { Rule } from './rule';

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const REFERENCE = /(?<!\$)\$\(([A-Za-z_][\w.-]*)\)/g;

/** Tags that are moved to another image as a matter of course; `latest` is refused everywhere. */
const MOVING_TAG = /:(main|master|stable|nightly|dev|develop|edge|canary|rolling|head)$/;

function duplicates(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}

/** Rules about containers and what is mounted in them. */
export const CONTAINER_RULES: readonly Rule[] = [
  {
    id: 'container-names',
    severity: 'error',
    explanation: 'containers of a pod need different DNS labels as names',
    fix: 'give each container a name of its own, of lower case letters, digits and -',
    check: ({ pods }) => pods.flatMap(({ containers }) => containers.flatMap(({ container: { name }, place }, index) => [
      ...(DNS_LABEL.test(name) ? [] : [fault(`container '${name}' must have a name of lower case letters, digits and '-'`, ...place)]),
      ...(containers.findIndex(({ container }) => container.name === name) < index ? [fault(`two containers are called '${name}'; names must differ`, ...place)] : []),
    ])),
  },
  {
    id: 'image-pinned',
    severity: 'warning',
    explanation: 'an image without a full tag or digest changes under a running platform',
    fix: 'name the version by its full tag, or better by its digest',
    check: inContainers(({ container: { name, image = '' } }) => {
      try {
        checkImage(`image of container ${name}`, image);
        return MOVING_TAG.test(image) ? [fault(`container '${name}' has the image '${image}', whose tag moves`, 'image')] : [];
      } catch (error) {
        return [fault((error as Error).message, 'image')];
      }
    }),
  },
  {
    id: 'mounts-have-volumes',
    severity: 'error',
    explanation: 'the API server refuses mounts of volumes that the pod does not have',
    fix: 'add the volume to the pod, or correct the name',
    check: (object) => {
      const claimed = ((object.object.spec ?? {}) as { volumeClaimTemplates?: { metadata?: { name?: string } }[] }).volumeClaimTemplates ?? [];
      return inContainers(({ container: { name, volumeMounts = [] } }, { spec }) => {
        const volumes = new Set([...(spec.volumes ?? []).map((volume) => volume.name), ...claimed.map(({ metadata }) => metadata?.name ?? '')]);
        return volumeMounts.flatMap((mount, index) => volumes.has(mount.name) ? []
          : [fault(`container '${name}' mounts the volume '${mount.name}' at ${mount.mountPath}, but the pod has none of that name`, 'volumeMounts', index)]);
      })(object);
    },
  },
  {
    id: 'mount-paths',
    severity: 'error',
    explanation: 'two mounts at one path are refused',
    fix: 'give each mount a path of its own',
    check: inContainers(({ container: { name, volumeMounts = [] } }) => duplicates(volumeMounts.map(({ mountPath }) => mountPath))
      .map((path) => fault(`container '${name}' has two mounts at ${path}`, 'volumeMounts'))),
  },
  {
    id: 'store-without-sub-path',
    severity: 'error',
    explanation: 'a subPath binds a waiting pod to a directory that a producer replaces; stores are mounted at their root',
    fix: 'mount the store without subPath and put the directory into the path that the program reads',
    check: inContainers(({ container: { name, volumeMounts = [] } }) => volumeMounts.flatMap((mount, index) => ['subPath', 'subPathExpr'].flatMap((field) => {
      const isStore = mount.name.startsWith('store-') || mount.mountPath.startsWith('/artifacts/');
      const subPath = mount[field as 'subPath'];
      return isStore && subPath !== undefined ? [fault(`container '${name}' mounts '${mount.name}' with ${field} '${subPath}'; mount the store at its root`, 'volumeMounts', index, field)] : [];
    }))),
  },
  {
    id: 'duplicate-variable',
    severity: 'warning',
    explanation: 'of two variables of one name the last one counts, and the first one misleads',
    fix: 'keep the one that is meant',
    check: inContainers(({ container }) => {
      const names = (container.env ?? []).map(({ name }) => name).filter((name) => name !== '');
      return duplicates(names).map((name) => fault(`container '${container.name}' sets ${name} twice`, 'env', container.env!.map((variable) => variable.name).lastIndexOf(name)));
    }),
  },
  {
    id: 'variable-order',
    severity: 'error',
    explanation: 'Kubernetes puts in only variables that stand before; a reference to a later one stays as text',
    fix: 'move the variable before the one that refers to it',
    check: inContainers(({ container: { name, env = [] } }) => env.flatMap((variable, index) => [...(variable.value ?? '').matchAll(REFERENCE)]
      .map(([, referenced]) => env.findIndex((other) => other.name === referenced))
      .filter((position) => position > index)
      .map((position) => fault(`container '${name}' uses $(${env[position]!.name}) in ${variable.name}, which stands before it`, 'env', index)))),
  },
];
