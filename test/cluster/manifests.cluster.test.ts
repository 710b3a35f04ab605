// Manifests as they are: accepted with strict field validation, and as restricted as claimed. They may be a user's own (MANIFESTS).
import { OWN_MANIFESTS, examples } from './support/examples';
import { print } from './support/manifest';
import { TestNamespace } from './support/namespace';

/** What PodSecurity "restricted" says to each example, without the digests in names; an example that is not named here must satisfy it. */
const NOT_RESTRICTED: Record<string, string[]> = {
  'finetune-chatglm3-ascend': [
    'allowPrivilegeEscalation != false (container "finetune" must set securityContext.allowPrivilegeEscalation=false)',
    'restricted volume types (volumes "host-usr-local-ascend-driver-tools-hccn-tool", "host-etc-hccn-conf" use restricted volume type "hostPath")',
    'runAsNonRoot != true (pod or containers "copy-scripts", "wait-for-artifacts", "finetune" must set securityContext.runAsNonRoot=true)',
    'unrestricted capabilities (container "finetune" must set securityContext.capabilities.drop=["ALL"])',
  ],
  'serve-chatglm-cambricon': [
    'allowPrivilegeEscalation != false (container "serve" must set securityContext.allowPrivilegeEscalation=false)',
    'runAsNonRoot != true (pod or containers "copy-scripts", "wait-for-artifacts", "serve" must set securityContext.runAsNonRoot=true)',
    'unrestricted capabilities (container "serve" must set securityContext.capabilities.drop=["ALL"])',
  ],
  'serve-chatglm2-ascend': [
    'allowPrivilegeEscalation != false (container "serve" must set securityContext.allowPrivilegeEscalation=false)',
    'runAsNonRoot != true (pod or containers "copy-scripts", "download-chatglm2-6b", "serve" must set securityContext.runAsNonRoot=true)',
    'unrestricted capabilities (container "serve" must set securityContext.capabilities.drop=["ALL"])',
  ],
  'serve-chatglm3-sophon': [
    'allowPrivilegeEscalation != false (container "serve" must set securityContext.allowPrivilegeEscalation=false)',
    'restricted volume types (volume "host-opt-sophon" uses restricted volume type "hostPath")',
    'runAsNonRoot != true (pod or containers "copy-scripts", "serve" must set securityContext.runAsNonRoot=true)',
    'unrestricted capabilities (container "serve" must set securityContext.capabilities.drop=["ALL"])',
  ],
};

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
      expect([...new Set(reasons)].sort()).toEqual(NOT_RESTRICTED[name] ?? []);
    }
  });
});
