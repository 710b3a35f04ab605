import { checkImage, mirrored } from './image';

/** How the scripts of `container/` reach the pods. */
export class ScriptDelivery {
  /**
   * In ConfigMaps beside each workload: nothing to build, at most 200 KiB of scripts a pod.
   */
  public static configMaps(): ScriptDelivery {
    return new ScriptDelivery(undefined);
  }

  /**
   * In an image that was built from `container/` and has the scripts in `/container`: manifests stay small.
   *
   * @param image the image, by full tag or digest
   * @throws if the image is not pinned
   */
  public static image(image: string): ScriptDelivery {
    checkImage('image', image);
    return new ScriptDelivery(image);
  }

  private constructor(
    /** The image that holds the scripts; undefined for ConfigMaps. */
    public readonly imageName: string | undefined,
  ) {}

  /** @internal the same, with the image in a mirror */
  public _pulledFrom(mirror: string | undefined): ScriptDelivery {
    return this.imageName === undefined ? this : new ScriptDelivery(mirrored(this.imageName, mirror));
  }
}
