import { mapPodSpecs, type Manifest } from './manifest';

interface Container { readonly command?: string[] }

/** The object with every address of the outside world in its commands replaced by one of the hub at `url`. */
export function atHub(object: Manifest, url: string): Manifest {
  const replace = (text: string): string => text
    .replaceAll(/https:\/\/(huggingface\.co|hf-mirror\.com)/g, url)
    .replaceAll(/https:\/\/([a-z0-9.-]+)\//g, `${url}/link/$1/`);
  const commands = (containers: unknown) => (containers as Container[] | undefined)?.map((container) => ({ ...container, command: container.command?.map(replace) }));
  return mapPodSpecs(object, (spec) => ({ ...spec, containers: commands(spec.containers), initContainers: commands(spec.initContainers) }));
}
