/** What generates the text behind the server of `container/serve`. */
export class ServingBackend {
  /** Deterministic text without a model: for trying a cluster, its devices and its network. */
  public static readonly ECHO = new ServingBackend('echo');

  /** @internal the backend that a runtime's own models need */
  public static _of(name: string): ServingBackend {
    return new ServingBackend(name);
  }

  private constructor(
    /** The backend's name, the `--backend` of serve_model.py. */
    public readonly name: string,
  ) {}
}
