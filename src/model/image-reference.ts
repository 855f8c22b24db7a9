const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** True for `sha256:` and 64 hex digits. */
export function isImageDigest(text: string | undefined): text is string {
  return text !== undefined && DIGEST.test(text);
}

/** The digest that an image reference names: of `web@sha256:…` what follows the @; undefined where it names none. */
export function digestOf(image: string): string | undefined {
  const at = image.indexOf("@");
  return at < 0 ? undefined : image.slice(at + 1);
}

/** The same repository's image with that digest, whatever tag the reference names: `r:5000/web:v1` gives `r:5000/web@sha256:…`. */
export function withDigest(image: string, digest: string): string {
  const repository = image.split("@")[0] ?? "";
  const colon = repository.lastIndexOf(":");
  return `${colon > repository.lastIndexOf("/") ? repository.slice(0, colon) : repository}@${digest}`;
}
