import { Chart, Size, Testing } from 'cdk8s';
import { Cpu, EnvValue, Secret } from 'cdk8s-plus-27';
import { EnvPreset, EnvPresets, type InferenceDeploymentProps } from 'cdk8s-chatglm';

import { refuses } from '../support/bad-input';
import { CHIP } from '../support/synthesized';
import { finetune, serve } from '../support/workloads';

const server = (props: Partial<InferenceDeploymentProps>) => () => serve(props);
const preset = (name: string, value: string, series?: string[]) => EnvPreset.custom({ name, series, variables: { HCCL_BUFFSIZE: { value, purpose: 'a test' } } });

describe('env presets', () => {
  refuses([
    ['two presets that disagree', server({ accelerator: CHIP, presets: [preset('team', '110'), preset('mine', '200')] }), '[test/chat] environment variable \'HCCL_BUFFSIZE\' is 110 from env preset \'team\' but 200 from env preset \'mine\'; remove one of them, or set it in the workload\'s own props, which win over both'],
    ['a catalogued preset and one that disagrees', () => finetune({ presets: [EnvPresets.HCCL.with({ HCCL_BUFFSIZE: '200' }), preset('mine', '110')] }), '[test/finetune] environment variable \'HCCL_BUFFSIZE\' is 200 from env preset \'hccl\' but 110 from env preset \'mine\'; remove one of them, or set it in the workload\'s own props, which win over both'],
    ['a preset twice with different values', () => finetune({ presets: [EnvPresets.HCCL, EnvPresets.HCCL.with({ HCCL_EXEC_TIMEOUT: '60' })] }), '[test/finetune] environment variable \'HCCL_EXEC_TIMEOUT\' is 3600 from env preset \'hccl\' but 60 from env preset \'hccl\'; remove one of them, or set it in the workload\'s own props, which win over both'],
    ['a preset of another vendor', () => finetune({ presets: [EnvPresets.MLU] }), '[test/finetune] env preset \'mlu\' is for MLU370, MLU590, not for Ascend910B3'],
    ['a preset of another series', () => finetune({ presets: [preset('a1', '1', ['910A'])] }), '[test/finetune] env preset \'a1\' is for 910A, not for Ascend910B3'],
    ['a preset of Ascend without an accelerator', server({ presets: [EnvPresets.HCCL] }), '[test/chat] env preset \'hccl\' is for 910A, 910B, 910C, 310P, 310, not for a workload without an accelerator'],
    ['a variable that the preset does not know', () => EnvPresets.HCCL.with({ ATB_LOG_LEVEL: 'INFO' }), 'env preset \'hccl\' does not know \'ATB_LOG_LEVEL\'; it knows HCCL_BUFFSIZE, HCCL_OP_BASE_FFTS_MODE_ENABLE, HCCL_CONNECT_TIMEOUT, HCCL_EXEC_TIMEOUT, HCCL_WHITELIST_DISABLE, HCCL_OP_EXPANSION_MODE, HCCL_IF_IP, HCCL_SOCKET_IFNAME, HCCL_ALGO, HCCL_DETERMINISTIC; use EnvPreset.custom for others'],
    ['a misspelt variable', () => EnvPresets.MINDSPORE_INFERENCE.with({ GRAPH_OP_RUNN: '1' }), 'env preset \'mindspore-inference\' does not know \'GRAPH_OP_RUNN\'; it knows GRAPH_OP_RUN, MS_ENABLE_INTERNAL_KERNELS; use EnvPreset.custom for others'],
    ['a variable with a space', () => EnvPreset.custom({ name: 'mine', variables: { 'MY VAR': { value: '1', purpose: 'a test' } } }), 'env preset \'mine\' has a variable \'MY VAR\': a name has letters, digits and \'_\' only and does not start with a digit'],
    ['a variable that starts with a digit', () => preset('mine', '1').with({ '2ND': '1' }), 'env preset \'mine\' has a variable \'2ND\': a name has letters, digits and \'_\' only and does not start with a digit'],
    ['a token in a preset', server({
      presets: [EnvPreset.custom({ name: 'hub', variables: { HF_TOKEN: { value: 'hf_x', purpose: 'a test' } } })],
    }), '[test/chat] Deployment/test-chat: container \'serve\' has HF_TOKEN in plain text; take it from a Secret (rule token-in-plain-text)'],
  ]);
});

describe('environment variables', () => {
  const env = (name: string, value: EnvValue = EnvValue.fromValue('x')) => server({ env: { [name]: value } });
  refuses([
    ['a token', env('HF_TOKEN'), '[test/chat] Deployment/test-chat: container \'serve\' has HF_TOKEN in plain text; take it from a Secret (rule token-in-plain-text)'],
    ['a password', env('DB_PASSWORD'), '[test/chat] Deployment/test-chat: container \'serve\' has DB_PASSWORD in plain text; take it from a Secret (rule token-in-plain-text)'],
    ['an API key', env('OPENAI_API_KEY'), '[test/chat] Deployment/test-chat: container \'serve\' has OPENAI_API_KEY in plain text; take it from a Secret (rule token-in-plain-text)'],
    ['the key of a cloud', env('AWS_SECRET_ACCESS_KEY'), '[test/chat] Deployment/test-chat: container \'serve\' has AWS_SECRET_ACCESS_KEY in plain text; take it from a Secret (rule token-in-plain-text)'],
    ['a secret', env('CLIENT_SECRET'), '[test/chat] Deployment/test-chat: container \'serve\' has CLIENT_SECRET in plain text; take it from a Secret (rule token-in-plain-text)'],
    ['a name with a space', env('MY VAR'), '[test/chat] \'env\' has \'MY VAR\': a variable\'s name has letters, digits, \'_\', \'-\' and \'.\' and does not start with a digit'],
    ['a name with a newline', env('A\nB'), '[test/chat] \'env\' has \'A\nB\': a variable\'s name has letters, digits, \'_\', \'-\' and \'.\' and does not start with a digit'],
    ['a name with =', env('A=B'), '[test/chat] \'env\' has \'A=B\': a variable\'s name has letters, digits, \'_\', \'-\' and \'.\' and does not start with a digit'],
    ['an empty name', env(''), '[test/chat] \'env\' has \'\': a variable\'s name has letters, digits, \'_\', \'-\' and \'.\' and does not start with a digit'],
    ['a variable that this process does not have', env('A', EnvValue.fromProcess('NO_SUCH_VARIABLE_HERE')), '[test/chat] \'env\' has no value for \'A\'; EnvValue.fromProcess gives none where the variable is unset'],
    ['a secret that is no name', env('A', Secret.fromSecretName(new Chart(Testing.app(), 'secrets'), 'secret', 'My Secret').envValue('x')), '[test/chat] Deployment/test-chat: variable \'A\' must name an object by lower case letters, digits, \'-\' and \'.\', got \'My Secret\' (rule reference-names)'],
  ]);
});

describe('cpu, memory, names and taints', () => {
  refuses([
    ['no cpu', server({ cpu: Cpu.millis(0) }), '[test/chat] \'cpu\' must be positive, got 0m'],
    ['negative cpu', server({ cpu: Cpu.units(-2) }), '[test/chat] \'cpu\' must be positive, got -2'],
    ['cpu that is no number', server({ cpu: Cpu.units(NaN) }), '[test/chat] \'cpu\' must be positive, got NaN'],
    ['no memory', server({ memory: Size.mebibytes(0) }), '[test/chat] \'memory\' must be at least 1 MiB, got 0Mi'],
    ['memory of half a MiB', server({ memory: Size.kibibytes(512) }), '[test/chat] \'512 kibibytes\' cannot be converted into a whole number of mebibytes.'],
    ['less memory than the weights take', () => finetune({ memory: Size.gibibytes(16) }), '[test/finetune] \'memory\' must be at least 160Gi for this task, got 16Gi'],
    ['a toleration with another effect', server({ tolerations: [{ key: 'npu', effect: 'noschedule' }] }), '[test/chat] \'effect\' of a toleration must be NoSchedule, PreferNoSchedule or NoExecute, got \'noschedule\''],
    ['a toleration of a value of every key', server({ tolerations: [{ value: 'x', effect: 'NoExecute' }] }), '[test/chat] a toleration with the value \'x\' needs a \'key\''],
    ['a priority class in capitals', server({ priorityClassName: 'High' }), '[test/chat] Deployment/test-chat: priorityClassName must name an object by lower case letters, digits, \'-\' and \'.\', got \'High\' (rule reference-names)'],
    ['an empty service account', server({ serviceAccountName: '' }), '[test/chat] Deployment/test-chat: serviceAccountName must name an object by lower case letters, digits, \'-\' and \'.\', got \'\' (rule reference-names)'],
    ['the label that selects the pods', server({ podLabels: { 'app.kubernetes.io/component': 'mine' } }), '[test/chat] Deployment/test-chat: the selector needs the pod label \'app.kubernetes.io/component: serve\', but the pod has \'mine\'; do not set this label (rule selector-matches-pods)'],
    ['a label of 64 characters', server({ podLabels: { team: 'a'.repeat(64) } }), '[test/chat] Deployment/test-chat: label \'team: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\' of the pod is not legal; keys and values have letters, digits, \'-\', \'_\' and \'.\', at most 63 characters (rule labels)'],
    ['an empty label key', server({ podLabels: { '': 'x' } }), '[test/chat] Deployment/test-chat: label \': x\' of the pod is not legal; keys and values have letters, digits, \'-\', \'_\' and \'.\', at most 63 characters (rule labels)'],
    ['a label with a newline', server({ podLabels: { team: 'a\nb' } }), '[test/chat] Deployment/test-chat: label \'team: a\nb\' of the pod is not legal; keys and values have letters, digits, \'-\', \'_\' and \'.\', at most 63 characters (rule labels)'],
    ['an annotation without a name', server({ podAnnotations: { 'corp.example/': 'x' } }), '[test/chat] Deployment/test-chat: annotation key \'corp.example/\' of the pod is not legal; keys have letters, digits, \'-\', \'_\' and \'.\', at most 63 characters (rule annotations)'],
    ['a node selector in a domain that is none', server({ nodeSelector: { '-x-/zone': 'a' } }), '[test/chat] Deployment/test-chat: label \'-x-/zone: a\' of the node selector is not legal; keys and values have letters, digits, \'-\', \'_\' and \'.\', at most 63 characters (rule labels)'],
  ]);
});
