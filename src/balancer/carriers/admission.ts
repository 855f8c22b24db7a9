import { isIPv4 } from "node:net";
import { AwsError } from "../../wire/errors.ts";
import { SignatureError, type SignatureVerifier, type SignedRequest, toAwsError } from "../../wire/sigv4.ts";
import { CARRIER_PROTOCOL } from "./messages.ts";

/** The name that the control plane's own balancer has. */
export const OWN_NAME = "server";

/** What a name of a balancer is: a host's name will do. */
export const CARRIER_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** A host that may carry the load balancers. */
export interface CarrierOffer {
  readonly name: string;
  /** The same for all sessions of one host, and of no other: 32 hex digits. */
  readonly identity: string;
  /** Where clients reach it. */
  readonly address: string;
  /** Half of what the session's key is made of: 32 hex digits. */
  readonly nonce: string;
  /** The secret of the access key that signed the request. */
  readonly secretAccessKey: string;
}

/** What an offer says in its query, signed with it. */
export interface OfferQuery {
  readonly name: string;
  readonly identity: string;
  /** Absent: the address that the host comes from. */
  readonly address?: string;
  readonly nonce: string;
}

/** The query of an upgrade request that makes an offer. */
export function offerQuery({ name, identity, address, nonce }: OfferQuery): URLSearchParams {
  const query = new URLSearchParams({ protocol: String(CARRIER_PROTOCOL), name, identity, nonce });
  if (address !== undefined) query.set("address", address);
  return query;
}

const NO_BODY = new Uint8Array();
const HEX = /^[0-9a-f]{32}$/;

/**
 * Judges the upgrade request of a host. Throws an AwsError: one of SigV4's, or InvalidParameterException for what cannot be
 * an offer. `verifier`'s principal is the secret access key.
 */
export function admitCarrier(
  request: SignedRequest & { readonly remoteAddress?: string },
  verifier: SignatureVerifier<string>,
): CarrierOffer {
  const secretAccessKey = authenticate(request, verifier);
  const query = new URL(request.url, "http://host").searchParams;
  const text = (name: string) => query.get(name) ?? "";
  if (text("protocol") !== String(CARRIER_PROTOCOL))
    throw refusal(
      `This server speaks version ${CARRIER_PROTOCOL} of the balancers' protocol, and the host version '${text("protocol").slice(0, 20)}'. Run the same release on both.`,
    );
  const name = text("name");
  if (!CARRIER_NAME.test(name) || name === OWN_NAME)
    throw refusal(
      `'${name.slice(0, 100)}' cannot be a balancer's name: use 1 to 63 letters, digits and ._- (not '${OWN_NAME}').`,
    );
  if (!HEX.test(text("identity")) || !HEX.test(text("nonce"))) throw refusal("The request is no balancer's.");
  const address = text("address") || request.remoteAddress?.replace(/^::ffff:/, "") || "";
  if (!isIPv4(address))
    throw refusal(`'${address.slice(0, 100)}' is not an IPv4 address by which clients can reach it.`);
  return { name, identity: text("identity"), address, nonce: text("nonce"), secretAccessKey };
}

const refusal = (message: string) => new AwsError("InvalidParameterException", message);

/** Signed for the service `berth`, as Berth's own API is. */
function authenticate(request: SignedRequest, verifier: SignatureVerifier<string>): string {
  try {
    return verifier.open(request, "berth").verify(NO_BODY);
  } catch (error) {
    throw error instanceof SignatureError ? toAwsError(error, "json") : error;
  }
}
