import { Chart, Duration, Testing } from 'cdk8s';
import { Accelerator, ChatSession, type ChatSessionProps, GlmModel, Platform, Runtime } from 'cdk8s-chatglm';

import type { KubernetesObject } from '../../lib/workloads/kubernetes-object';
import { ATB, CHATGLM2 } from '../support/atb';
import { refuses } from '../support/bad-input';
import { devicesOf, podOf } from '../support/pod-of';
import { chartWith, CHIP, everyVendor, only, synthesized } from '../support/synthesized';

const CHAT: ChatSessionProps = { model: GlmModel.CHATGLM2_6B, runtime: ATB, weights: CHATGLM2, accelerator: CHIP };
const ATTACH = 'cdk8s-chatglm/attach';

function chat(props: Partial<ChatSessionProps> = {}, chart: Chart = chartWith()): KubernetesObject {
  new ChatSession(chart, 'chat', { ...CHAT, ...props });
  return only(synthesized(chart), 'Job');
}

const attached = (job: KubernetesObject): string | undefined => podOf(job).metadata.annotations?.[ATTACH];

test('somebody may type into the main container, on a terminal, and a session that broke is not started again', () => {
  const job = chat();
  const { container, spec } = podOf(job);

  expect(container).toMatchObject({ stdin: true, tty: true });
  expect(container.command!.slice(-2)).toEqual(['--idle-minutes', '30']);
  expect(job.spec).toMatchObject({ backoffLimit: 0 });
  expect(spec.initContainers!.filter(({ stdin, tty }) => stdin ?? tty)).toEqual([]);
  expect(devicesOf(job).limits).toEqual({ 'huawei.com/Ascend910': 1 });
});

test('the pods carry the command that opens the terminal', () => {
  expect(attached(chat())).toBe('kubectl -n llm attach -it $(kubectl -n llm get pod -l app.kubernetes.io/instance=test-chat,app.kubernetes.io/component=chat -o name)');
});

test('its labels find the pods of the session', () => {
  const { labels } = podOf(chat()).metadata;

  expect(labels).toMatchObject({ 'app.kubernetes.io/instance': 'test-chat', 'app.kubernetes.io/component': 'chat' });
});

test('without a namespace the command names none', () => {
  const chart = new Chart(Testing.app(), 'test');
  Platform.attach(chart, everyVendor());

  expect(attached(chat({}, chart))).toBe('kubectl attach -it $(kubectl get pod -l app.kubernetes.io/instance=test-chat,app.kubernetes.io/component=chat -o name)');
});

test('annotations of one\'s own stay beside it', () => {
  expect(podOf(chat({ podAnnotations: { note: 'x' } })).metadata.annotations).toMatchObject({ note: 'x', [ATTACH]: expect.any(String) as string });
});

test('a forgotten session ends after the time that was said', () => {
  expect(podOf(chat({ idleTime: Duration.seconds(90) })).container.command!.slice(-2)).toEqual(['--idle-minutes', '1.5']);
});

describe('what is refused', () => {
  const session = (props: Partial<ChatSessionProps>) => () => chat(props);
  refuses([
    ['no idle time', session({ idleTime: Duration.seconds(0) }), '[test/chat] \'idleTime\' must be from 1 minute to 1 day, got 0 seconds'],
    ['two days', session({ idleTime: Duration.days(2) }), '[test/chat] \'idleTime\' must be from 1 minute to 1 day, got 172800 seconds'],
    ['a runtime without chat', session({ runtime: Runtime.mindIe({ image: 'mindie:1' }) }), '[test/chat] runtime \'mindie\' has no chat; it can serve, convert'],
    ['a chip that the runtime does not know', session({ accelerator: Accelerator.MLU370_X8 }), '[test/chat] runtime \'atb-models\' does not support MLU370-X8, which is supported by cambricon-pytorch'],
    ['a context that does not fit', session({ contextLength: 40000 }), '[test/chat] \'contextLength\' must be a whole number from 1 to 32768 for chatglm2-6b, got 40000'],
    ['a model without a chip', session({ accelerator: undefined }), '[test/chat] \'accelerator\' is missing: runtime \'atb-models\' needs one'],
  ]);
});
