/** Who applies the manifests. */
export enum Delivery {
  /** People or scripts, with `kubectl apply`. */
  KUBECTL = 'kubectl',
  /** Argo CD. */
  ARGO_CD = 'argo-cd',
  /** Flux. */
  FLUX = 'flux',
}
