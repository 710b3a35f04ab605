import { eventually } from './eventually';
import type { TestNamespace } from './namespace';

/** POSTs to a Service's chat API, from the namespace's hub, and returns the answer's text. */
export async function chat(namespace: TestNamespace, service: string, model: string, content: string): Promise<string> {
  const body = JSON.stringify({ model, temperature: 0, messages: [{ role: 'user', content }] });
  const script = `import sys, urllib.request; r = urllib.request.Request("http://${service}.${namespace.name}.svc.cluster.local/v1/chat/completions", sys.argv[1].encode(), {"Content-Type": "application/json"}); print(urllib.request.urlopen(r, timeout=20).read().decode())`;
  // kube-proxy may be a moment behind the pod's readiness
  const stdout = await eventually(`answer of ${service}`, () => namespace.kubectl('exec', 'hub', '--', 'python3', '-c', script, body), 30);
  return (JSON.parse(stdout) as { choices: [{ message: { content: string } }] }).choices[0].message.content;
}
