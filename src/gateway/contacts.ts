import type { ContainerInstanceArn } from "../wire/arn.ts";

/** An agent answers a ping every two seconds; one whose answer is a second late was away. Milliseconds. */
export const LONGEST_GAP_MS = 3_000;

/** When agents were heard. Times are monotonic milliseconds. */
export class Contacts {
  readonly #contacts = new Map<ContainerInstanceArn, { readonly last: number; readonly since: number }>();

  heard(arn: ContainerInstanceArn, now: number): void {
    const before = this.#contacts.get(arn);
    const since = before === undefined || now - before.last > LONGEST_GAP_MS ? now : before.since;
    this.#contacts.set(arn, { last: now, since });
  }

  /** When it was last heard; undefined if never. */
  last(arn: ContainerInstanceArn): number | undefined {
    return this.#contacts.get(arn)?.last;
  }

  /** Since when it is heard without a gap; undefined if it is silent now. */
  since(arn: ContainerInstanceArn, now: number): number | undefined {
    const contact = this.#contacts.get(arn);
    return contact === undefined || now - contact.last > LONGEST_GAP_MS ? undefined : contact.since;
  }

  forget(arn: ContainerInstanceArn): void {
    this.#contacts.delete(arn);
  }
}
