// Manifests as they are: accepted with strict field validation, and as restricted as claimed. They may be a user's own (MANIFESTS).
import { OWN_MANIFESTS, examples } from './support/examples';
import { print } from './support/manifest';
import { TestNamespace } from './support/namespace';

/** What PodSecurity "restricted" does not like about an example; one that is not named here satisfies it. */
interface Liberties {
  /** Containers that run as the vendor's images have it: as root, for the devices' files are root's. */
  readonly vendorUser: readonly string[];
  /** Folders and files of the node, without digests. */
  readonly hostPaths?: readonly string[];
  /** Containers that need devices for which no plugin answers. */
  readonly privileged?: readonly string[];
}
const HCCN = ['host-usr-local-ascend-driver-tools-hccn-tool', 'host-etc-hccn-conf'];
const GUIDE: Liberties = { vendorUser: ['dataset', 'evaluate', 'finetune', 'merge', 'predict', 'serve'], hostPaths: HCCN };
const LIBERTIES: Readonly<Record<string, Liberties>> = {
  'atb-chatglm2-310p': { vendorUser: ['benchmark', 'compress', 'evaluate', 'quantize', 'serve', 'shard'] },
  'atb-chatglm2-910b': { vendorUser: ['benchmark', 'evaluate', 'serve', 'shard'] },
  'cambricon-chatglm': { vendorUser: ['benchmark', 'chat', 'migrate', 'serve'] },
  'finetune-chatglm3-ascend': { vendorUser: ['finetune'], hostPaths: HCCN },
  'glm-full': GUIDE, 'glm-full-trainer': GUIDE, 'glm-lora': GUIDE, 'glm-lora-trainer': GUIDE,
  'glm3-2k': GUIDE, 'glm3-adgen': GUIDE, 'glm3-multi-turn': GUIDE, 'glm3-twelve-nodes': { vendorUser: ['dataset', 'evaluate', 'merge', 'predict', 'serve'] }, // PodSecurity looks into no Volcano Job
  'serve-chatglm-cambricon': { vendorUser: ['serve'] },
  'serve-chatglm2-ascend': { vendorUser: ['serve'] },
  'serve-chatglm3-mindie': { vendorUser: ['serve'] },
  'serve-chatglm3-sophon': { vendorUser: ['serve'] },
  'sophon-chatglm3': { vendorUser: ['serve'] },
  'sophon-chatglm3-four-chips': { vendorUser: ['chat'] },
  'sophon-chatglm3-soc': { vendorUser: ['serve'], hostPaths: ['host-opt-sophon'] },
  'sophon-device-plugin': { vendorUser: ['device-plugin'], hostPaths: ['device-plugin', 'dev'], privileged: ['device-plugin'] },
};

/** The names in the reasons that begin like this. */
function named(reasons: readonly string[], beginning: string): string[] {
  const names = reasons.filter((reason) => reason.startsWith(beginning)).flatMap((reason) => [...reason.replace(/^.*?\(|(must|uses?) .*$/g, '').matchAll(/"([^"]+)"/g)].map(([, name = '']) => name));
  return [...new Set(names)].sort();
}

/** The containers of a reason that init containers are named in too. */
const INIT = /^(copy-scripts|wait-for-artifacts|download-.*)$/;
const KNOWN = /^(allowPrivilegeEscalation != false|unrestricted capabilities|runAsNonRoot != true|restricted volume types|privileged|seccompProfile) \(/;

describe.each([...examples()])('%s', (name, objects) => {
  let namespace: TestNamespace;
  beforeAll(async () => { namespace = await TestNamespace.create('manifests', { 'pod-security.kubernetes.io/warn': 'restricted' }); });
  afterAll(() => namespace.delete());

  test('is accepted, and PodSecurity warns as stated', async () => {
    const { code, stdout, stderr } = await namespace.attempt(['apply', '--validate=strict', '--dry-run=server', '-f', '-'], print(objects.map((object) => namespace.placed(object))));
    const lines = stderr.split('\n').filter((line) => line !== '');
    const warnings = lines.filter((line) => line.startsWith('Warning: would violate PodSecurity'));
    expect(lines.filter((line) => !warnings.includes(line))).toEqual([]);
    expect(stdout.trim().split('\n').filter((line) => !line.endsWith('(server dry run)'))).toEqual([]);
    expect(code).toBe(0);
    const reasons = warnings.flatMap((line) => line.replace(/^.*"restricted:latest": /, '').split(/(?<=\)), /)).map((reason) => reason.replaceAll(/-[0-9a-f]{8}(?=")/g, ''));
    if (!OWN_MANIFESTS) {
      const { vendorUser, hostPaths = [], privileged = [] } = LIBERTIES[name] ?? { vendorUser: [] };
      expect(reasons.filter((reason) => !KNOWN.test(reason))).toEqual([]);
      expect(named(reasons, 'allowPrivilegeEscalation')).toEqual([...vendorUser].sort());
      expect(named(reasons, 'unrestricted capabilities')).toEqual([...vendorUser].sort());
      expect(named(reasons, 'runAsNonRoot').filter((container) => !INIT.test(container))).toEqual([...vendorUser].sort());
      expect(named(reasons, 'restricted volume types')).toEqual([...hostPaths].sort());
      expect(named(reasons, 'privileged')).toEqual([...privileged].sort());
    }
  });
});
