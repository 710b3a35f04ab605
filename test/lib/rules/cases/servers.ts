import type { KubernetesObject } from '../../../../lib/workloads/kubernetes-object';
import { asks, deployment, env, job, jobSet, labels, annotations, MLU370, object, type Parts, type RuleCase, runs, volcanoJob } from '../manifests';

const probe = (of: object): object => ({ httpGet: { path: '/', port: 8000 }, ...of });
const LISTENS: Parts = { container: { ports: [{ name: 'http', containerPort: 8000 }] } };
const service = (name: string, spec: object, namespace?: string) => object('Service', name, { spec, ...(namespace !== undefined && { metadata: { namespace } }) });
const autoscaler = (kind: string, target: object) => object(kind, 'chat', { spec: { scaleTargetRef: target } }, 'autoscaling/v2');
const budget = (spec: object) => object('PodDisruptionBudget', 'chat', { spec: { selector: { matchLabels: { app: 'chat' } }, ...spec } }, 'policy/v1');

export const SERVER_CASES: RuleCase[] = [
  ['startup-budget', deployment(asks(MLU370), { container: { startupProbe: probe({ periodSeconds: 10, failureThreshold: 30 }) } }), deployment(asks(MLU370), { container: { livenessProbe: probe({}) } }),
    ['container \'main\' is restarted if it does not answer 30 seconds after its start']],
  ['startup-budget', deployment({ container: { livenessProbe: probe({}) } }), deployment(asks(MLU370), { container: { startupProbe: probe({ periodSeconds: 5, failureThreshold: 20, initialDelaySeconds: 60 }) } }),
    ['container \'main\' is restarted if it does not answer 160 seconds after its start']],
  ['progress-deadline', deployment(asks(MLU370), { container: { startupProbe: probe({ failureThreshold: 90 }) }, spec: { progressDeadlineSeconds: 1800 } }), deployment(asks(MLU370), { container: { startupProbe: probe({ failureThreshold: 90 }) } }),
    ['the Deployment may take 600 seconds, but its startup probe alone allows 900']],
  ['surge-devices', deployment(asks(MLU370), { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } } } }), deployment(asks(MLU370, 4), { spec: { strategy: { type: 'RollingUpdate' } } }),
    ['the Deployment updates with maxSurge 25%, so an update needs 4 more devices']],
  ['surge-devices', deployment({ spec: { strategy: undefined } }), deployment(asks(MLU370), { spec: { strategy: { rollingUpdate: { maxSurge: 1 } } } }),
    ['the Deployment updates with maxSurge 1, so an update needs 1 more devices']],
  ['image-pull-always', deployment({ container: { imagePullPolicy: 'Always' } }), deployment(asks(MLU370), { container: { imagePullPolicy: 'Always' } }),
    ['container \'main\' asks for devices and pulls its image at every start']],
  ['memory-request', deployment(asks(MLU370)), deployment({ container: { resources: { limits: { [MLU370]: 1 } } } }),
    ['container \'main\' asks for devices but for no memory']],
  ['probe-port', deployment(LISTENS, { container: { readinessProbe: { tcpSocket: { port: 'http' } } } }), deployment({ container: { livenessProbe: { httpGet: { path: '/', port: 'http' } } } }),
    ['container \'main\' probes the port \'http\', but names no such port']],
  ['probe-port-undeclared', deployment(LISTENS, { container: { readinessProbe: probe({}) } }), deployment(LISTENS, { container: { readinessProbe: { httpGet: { path: '/', port: 8080 } } } }),
    ['container \'main\' probes port 8080, which no container of the pod lists']],
  ['probe-port-undeclared', deployment({ container: { readinessProbe: probe({}) } }), deployment(LISTENS, { container: { livenessProbe: { tcpSocket: { port: '1025' } } } }),
    ['container \'main\' probes port 1025, which no container of the pod lists']],
  ['probe-port-undeclared', deployment(LISTENS, runs('serve', '--health=:9090'), { container: { livenessProbe: { httpGet: { path: '/', port: 9090 } } } }), deployment(LISTENS, runs('serve', '--health=:90901'), env('PORT', '190 90'), { container: { livenessProbe: { httpGet: { path: '/', port: 9090 } } } }),
    ['container \'main\' probes port 9090, which no container of the pod lists']],
  ['probe-port-undeclared', deployment(LISTENS, env('HEALTH_PORT', '9090'), { container: { livenessProbe: { httpGet: { path: '/', port: 9090 } } } }), deployment(LISTENS, { container: { startupProbe: { tcpSocket: { port: 9090 } } } }),
    ['container \'main\' probes port 9090, which no container of the pod lists']],
  ['probe-port-undeclared', deployment(LISTENS, { container: { livenessProbe: { grpc: { port: 8000 } } } }), deployment(LISTENS, { container: { livenessProbe: { grpc: { port: 9000 } } } }),
    ['container \'main\' probes port 9000, which no container of the pod lists']],
  ['service-target-port', [deployment(LISTENS), service('web', { selector: { app: 'chat' }, ports: [{ port: 80, targetPort: 'http' }] })], [deployment(LISTENS), service('web', { selector: { app: 'chat' }, ports: [{ port: 80, targetPort: 'web' }] })],
    ['the Service sends traffic to port web, but Deployment/chat lists none such']],
  ['service-target-port', [deployment(LISTENS), service('web', { selector: { app: 'chat' }, ports: [{ port: 80, targetPort: 8000 }] })], [deployment(LISTENS), service('web', { selector: { app: 'chat' }, ports: [{ port: 80, targetPort: 8000 }, { port: 81, targetPort: 'metrics' }] })],
    ['the Service sends traffic to port metrics, but Deployment/chat lists none such']],
  ['service-port-undeclared', [deployment(), service('web', { selector: { app: 'chat' }, ports: [{ port: 80 }] })], [deployment(LISTENS), service('web', { selector: { app: 'chat' }, ports: [{ port: 80 }] })],
    ['the Service sends traffic to port 80, but Deployment/chat lists none such']],
  ['service-selector', [deployment(), service('chat', { selector: { app: 'chat' } })], [deployment(), service('chat', { selector: { app: 'Chat' } })],
    ['the Service selects no pods, not even those of Deployment/chat']],
  ['service-selector', [deployment(), service('chat', { selector: { app: 'other' } }, 'elsewhere')], [deployment(), service('chat', { selector: { app: 'chat', tier: 'web' } })],
    ['the Service selects no pods, not even those of Deployment/chat']],
  ['autoscaler-replicas', [deployment(), autoscaler('HorizontalPodAutoscaler', { kind: 'Deployment', name: 'chat' })], [deployment({ spec: { replicas: 2 } }), autoscaler('HorizontalPodAutoscaler', { kind: 'Deployment', name: 'chat' })],
    ['it scales Deployment/chat, which says replicas as well']],
  ['autoscaler-replicas', [deployment({ spec: { replicas: 2 } }), autoscaler('ScaledObject', { name: 'other' })], [deployment({ spec: { replicas: 0 } }), autoscaler('ScaledObject', { name: 'chat' })],
    ['it scales Deployment/chat, which says replicas as well']],
  ['disruption-budget', [deployment({ spec: { replicas: 2 } }), budget({ minAvailable: 1 })], [deployment({ spec: { replicas: 2 } }), budget({ minAvailable: 2 })],
    ['minAvailable is 2, and there are 2 pods']],
  ['disruption-budget', [deployment(), budget({ maxUnavailable: 1 })], [deployment(), budget({ maxUnavailable: '0%' })],
    ['maxUnavailable is 0%']],
  ['disruption-budget', budget({ minAvailable: '50%' }), budget({ minAvailable: '100%' }),
    ['minAvailable is 100%']],
];

const claim = (spec: object, given: object = {}) => object('PersistentVolumeClaim', 'weights', { spec, metadata: given });
const MOUNTS: Parts = { pod: { volumes: [{ name: 'weights', persistentVolumeClaim: { claimName: 'weights' } }] } };
const TTL: Parts = { spec: { ttlSecondsAfterFinished: 600 } };
const FAILURE_POLICY: Parts = { spec: { podFailurePolicy: { rules: [] } } };
const cronJob = ({ spec, metadata }: KubernetesObject) => object('CronJob', 'nightly', { metadata, spec: { schedule: '0 3 * * *', jobTemplate: { spec } } }, 'batch/v1');
const rayJob = (pod: object) => object('RayJob', 'evaluate', { spec: { submitterPodTemplate: { spec: { ...pod, containers: [{ name: 'submit', image: 'registry.example/image:1' }] } } } }, 'ray.io/v1');
const SYNCED = annotations({ 'argocd.argoproj.io/sync-wave': '1' });

export const DELIVERY_CASES: RuleCase[] = [
  ['ttl-under-gitops', job(TTL), job(TTL, SYNCED),
    ['the job is deleted 600 seconds after its end and would be run again by the GitOps tool that applies these objects']],
  ['ttl-under-gitops', [job(TTL), object('Rollout', 'x', {}, 'argoproj.io/v1alpha1')], [job(TTL), object('Kustomization', 'x', {}, 'kustomize.toolkit.fluxcd.io/v1')],
    ['the job is deleted 600 seconds after its end and would be run again by the GitOps tool that applies these objects']],
  ['ttl-under-gitops', job(TTL, annotations({ 'argocd.argoproj.io/hook': 'PreSync' })), [job(TTL), object('Application', 'x', {}, 'argoproj.io/v1alpha1')],
    ['the job is deleted 600 seconds after its end and would be run again by the GitOps tool that applies these objects']],
  ['ttl-under-gitops', jobSet(2, SYNCED), { ...jobSet(2, SYNCED), spec: { ...jobSet(2).spec as object, ttlSecondsAfterFinished: 600 } },
    ['the job is deleted 600 seconds after its end and would be run again by the GitOps tool that applies these objects']],
  ['ttl-under-gitops', object('MPIJob', 'x', { metadata: SYNCED.metadata, spec: { runPolicy: { ttlSecondsAfterFinished: 60 } } }, 'kubeflow.org/v2beta1'),
    ['PyTorchJob', 'TFJob', 'MPIJob'].map((kind) => object(kind, 'x', { metadata: SYNCED.metadata, spec: { runPolicy: { ttlSecondsAfterFinished: 60 } } }, 'kubeflow.org/v1')),
    Array<string>(3).fill('the job is deleted 60 seconds after its end and would be run again by the GitOps tool that applies these objects')],
  // KubeRay deletes the cluster of a RayJob, and keeps the RayJob; a CronJob has no such field.
  ['ttl-under-gitops', [object('RayJob', 'x', { metadata: SYNCED.metadata, spec: { ttlSecondsAfterFinished: 60 } }, 'ray.io/v1'), object('CronJob', 'x', { spec: { jobTemplate: { spec: { ttlSecondsAfterFinished: 60 } } } }, 'batch/v1')], volcanoJob(1, TTL, SYNCED),
    ['the job is deleted 600 seconds after its end and would be run again by the GitOps tool that applies these objects']],
  ['force-on-claim', job(annotations({ 'argocd.argoproj.io/sync-options': 'Replace=true,Force=true' })), claim({}, { annotations: { 'argocd.argoproj.io/sync-options': 'Prune=false,Force=true' } }),
    ['the annotation argocd.argoproj.io/sync-options allows to delete the PersistentVolumeClaim and its data when it changes']],
  ['force-on-claim', claim({}, { annotations: { 'argocd.argoproj.io/sync-options': 'Prune=false' } }), claim({}, { annotations: { 'kustomize.toolkit.fluxcd.io/force': 'enabled' } }),
    ['the annotation kustomize.toolkit.fluxcd.io/force allows to delete the PersistentVolumeClaim and its data when it changes']],
  ['duplicate-object', [job(), deployment({ metadata: { name: 'train' } })], [job(), job(labels({ a: 'b' }))],
    ['there is another Job/train without a namespace']],
  ['duplicate-object', [job(), job({ metadata: { namespace: 'other' } }), object('Service', 'x', {}, 'v1'), object('Service', 'x', {}, 'serving.knative.dev/v1')], [object('ConfigMap', 'a', { metadata: { namespace: 'llm' } }), object('ConfigMap', 'a', { metadata: { namespace: 'llm' } })],
    ['there is another ConfigMap/a in the namespace \'llm\'']],
  ['restart-policy', job(), job({ pod: { restartPolicy: 'Always' } }),
    ['the pods of a Job have restartPolicy Always; it must be Never or OnFailure']],
  ['restart-policy', job({ pod: { restartPolicy: 'OnFailure' } }), job({ pod: { restartPolicy: 'OnFailure' }, spec: { podFailurePolicy: { rules: [] } } }),
    ['the pods of a Job with a podFailurePolicy have restartPolicy OnFailure; it must be Never']],
  ['restart-policy', jobSet(2, { pod: { restartPolicy: undefined } }), jobSet(2, { pod: { restartPolicy: 'Always' } }),
    ['the pods of a JobSet have restartPolicy Always; it must be Never or OnFailure']],
  ['restart-policy', jobSet(2, FAILURE_POLICY), jobSet(2, FAILURE_POLICY, { pod: { restartPolicy: undefined } }),
    ['the pods of a JobSet with a podFailurePolicy have restartPolicy OnFailure; it must be Never']],
  ['restart-policy', cronJob(job(FAILURE_POLICY)), cronJob(job(FAILURE_POLICY, { pod: { restartPolicy: 'OnFailure' } })),
    ['the pods of a CronJob with a podFailurePolicy have restartPolicy OnFailure; it must be Never']],
  ['restart-policy', rayJob({ restartPolicy: 'Never' }), rayJob({}),
    ['the pods of a RayJob have restartPolicy Always; it must be Never or OnFailure']],
  ['restart-policy', deployment({ pod: { restartPolicy: 'Always' } }), deployment({ pod: { restartPolicy: 'Never' } }),
    ['the pods of a Deployment have restartPolicy Never; it must be Always']],
  ['claim-shared', [claim({ accessModes: ['ReadWriteMany'] }), deployment(MOUNTS, { spec: { replicas: 2 } })], [claim({ accessModes: ['ReadWriteOnce'] }), deployment(MOUNTS, { spec: { replicas: 2 } })],
    ['the claim is ReadWriteOnce, but Deployment/chat mounts it in 2 pods']],
  ['claim-shared', [claim({ accessModes: ['ReadWriteOnce'] }), deployment(MOUNTS)], [claim({ accessModes: ['ReadWriteOncePod'] }), job(MOUNTS, { spec: { parallelism: 3 } })],
    ['the claim is ReadWriteOncePod, but Job/train mounts it in 3 pods']],
];

const secretRef = (name: string): Parts => ({ container: { env: [{ name, valueFrom: { secretKeyRef: { name: 'hub', key: 'token' } } }] } });
const HF_TOKEN = `hf_${'aB3'.repeat(11)}x`;
const KEY = '-----BEGIN OPENSSH PRIVATE KEY-----\nx\n';
const secret = (of: Readonly<Record<string, unknown>>) => object('Secret', 'hub', of);
const configMap = (data: object) => object('ConfigMap', 'settings', { data });

export const SECRET_CASES: RuleCase[] = [
  ['token-in-plain-text', job(secretRef('HF_TOKEN'), env('TOKENIZER', 'x')), job(env('HF_TOKEN', 'hf_x')),
    ['container \'main\' has HF_TOKEN in plain text; take it from a Secret']],
  ['token-in-plain-text', job(secretRef('TOKEN'), env('API_KEY', '$(TOKEN)')), job(env('AWS_SECRET_ACCESS_KEY', 'x')),
    ['container \'main\' has AWS_SECRET_ACCESS_KEY in plain text; take it from a Secret']],
  ['token-in-plain-text', job(env('EOS_TOKEN', '</s>'), env('MAX_NEW_TOKEN', '512'), env('ALLOW_EMPTY_PASSWORD', 'yes'), env('GOOGLE_APPLICATION_CREDENTIALS', '/run/secrets/google.json'), env('PWD', '/work'), env('IMAGE_PULL_SECRET', 'pull'), env('FORWARD_PASS', 'fused')),
    job(...['hf_token', 'DB_PASS', 'MYSQL_PWD', 'API_KEYS', 'REGISTRY_CREDENTIALS', 'PRIVATE_KEY'].map((name) => env(name, 'abc'))),
    ['hf_token', 'DB_PASS', 'MYSQL_PWD', 'API_KEYS', 'REGISTRY_CREDENTIALS', 'PRIVATE_KEY'].map((name) => `container 'main' has ${name} in plain text; take it from a Secret`)],
  ['token-in-value', job(env('HTTPS_PROXY', 'http://proxy.corp.example:3128')), job(env('HTTPS_PROXY', 'http://llm:pass@proxy.corp.example:3128')),
    ['container \'main\' has a URL with a password in HTTPS_PROXY']],
  ['token-in-value', job(secretRef('PASSWORD'), env('DATABASE', 'postgres://llm:$(PASSWORD)@db:5432/x')), job(env('HUB_LOGIN', HF_TOKEN)),
    ['container \'main\' has a token or private key in HUB_LOGIN']],
  ['token-in-argument', job(secretRef('TOKEN'), runs('fetch', '--token', '$(TOKEN)')), job(runs('fetch', '--token', 'abc123')),
    ['container \'main\' has a value after --token in its command line']],
  ['token-in-argument', job(runs('fetch', '--token-file=/run/secrets/token', '--token=/run/token')), job(runs('sh', '-c', `git clone https://oauth2:${HF_TOKEN}@hub.example/x`)),
    ['container \'main\' has a token or private key in its command line']],
  ['token-in-argument', job(runs('git', 'clone', 'https://hub.example/x')), job(runs('git', 'clone', 'https://me:pass@hub.example/x')),
    ['container \'main\' has a URL with a password in its command line']],
  ['token-in-argument', job(runs('sh', '-c', 'export HF_TOKEN="$TOKEN" EOS_TOKEN="</s>" USE_TOKEN=1; TOKEN=$(cat /run/token) python -c \'API_KEY=os.environ["API_KEY"]\'')), job(runs('sh', '-c', 'export HF_TOKEN=abc123; serve')),
    ['container \'main\' has a value for HF_TOKEN in its command line']],
  ['token-in-argument', job(runs('sh', '-c', 'curl -H "Authorization: Bearer $TOKEN" -u "$ME:$PASSWORD" http://x; setpriv -u 1000:1000')), job(runs('curl', '-H', 'Authorization: Bearer 0123456789abcdef', 'http://x')),
    ['container \'main\' has a login in its command line']],
  ['token-in-argument', job(runs('curl', '--user-agent', 'a:b', 'http://x')), job(runs('curl', '-sS', '-u', 'me:pass', 'http://x')),
    ['container \'main\' has a login in its command line']],
  ['secret-in-manifest', secret({ stringData: { password: '<path:vault/llm#password>', token: '${TOKEN}', api_key: 'ENC[AES256_GCM,data:x]', 'tls.crt': '-----BEGIN CERTIFICATE-----' }, data: { username: 'bWU=' } }),
    secret({ stringData: { password: 'abc' }, data: { hub: Buffer.from(HF_TOKEN).toString('base64'), 'tls.key': Buffer.from(KEY).toString('base64'), '.dockerconfigjson': Buffer.from('{"auths":{"x":{"auth":"eA=="}}}').toString('base64') } }),
    ['hub', 'tls.key', '.dockerconfigjson', 'password'].map((key) => `the key '${key}' holds a secret that everybody can read who can read this file`)],
  ['secret-in-manifest', object('SealedSecret', 'hub', { data: { token: 'abc' } }, 'bitnami.com/v1alpha1'), secret({ data: { token: Buffer.from('abc').toString('base64') } }),
    ['the key \'token\' holds a secret that everybody can read who can read this file']],
  ['secret-in-config-map', configMap({ TOKEN: '$(FROM_ELSEWHERE)', 'read-token': 'cat /run/secrets/token', EOS_TOKEN: '</s>' }), configMap({ HF_TOKEN: 'abc123' }),
    ['the key \'HF_TOKEN\' holds a secret by its name']],
  ['secret-in-config-map', configMap({ 'app.yaml': 'token: ${TOKEN}\n' }), configMap({ id: 'x', id_rsa: KEY }),
    ['the key \'id_rsa\' holds a token or a private key']],
];
