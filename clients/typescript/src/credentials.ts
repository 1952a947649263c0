import { readFile } from "node:fs/promises";

import {
  credentials,
  Metadata,
  status as Code,
  type CallCredentials,
  type ChannelCredentials,
} from "@grpc/grpc-js";

/** PEM files that TLS needs. */
export interface TlsFiles {
  /** Authorities that may vouch for the service; without it, those of Node.js. */
  readonly caFile?: string;
  /** The caller's certificate, for services that ask for one. */
  readonly certificateFile?: string;
  /** The certificate's private key. */
  readonly keyFile?: string;
}

/** Returns credentials that encrypt, and prove who the service and the caller are. */
export async function tlsFromFiles(files: TlsFiles = {}): Promise<ChannelCredentials> {
  if ((files.certificateFile === undefined) !== (files.keyFile === undefined)) {
    throw new TypeError("a certificate and its key are given together or not at all");
  }
  const [ca, key, certificate] = await Promise.all(
    [files.caFile, files.keyFile, files.certificateFile].map((path) =>
      path === undefined ? null : readFile(path),
    ),
  );
  return credentials.createSsl(ca, key, certificate);
}

/** Credentials of a channel and, if a token may travel without TLS, of each call. */
export interface Credentials {
  readonly channel: ChannelCredentials;
  readonly call?: CallCredentials;
}

/** Returns the credentials with which a token, if there is one, is asked for before every call. */
export function combined(options: {
  readonly tls?: ChannelCredentials;
  readonly token?: () => string | Promise<string>;
  readonly plaintextToken?: boolean;
}): Credentials {
  const { tls, token } = options;
  if (token === undefined) return { channel: tls ?? credentials.createInsecure() };
  if (tls !== undefined) return { channel: credentials.combineChannelCredentials(tls, bearer(token)) };
  if (!options.plaintextToken) throw new TypeError("a token needs TLS: it could be read on the way");
  return { channel: credentials.createInsecure(), call: bearer(token) };
}

function bearer(token: () => string | Promise<string>): CallCredentials {
  return credentials.createFromMetadataGenerator((_, callback) => {
    Promise.resolve()
      .then(token)
      .then(
        (text) => {
          const metadata = new Metadata();
          metadata.set("authorization", `Bearer ${text}`);
          callback(null, metadata);
        },
        (cause: unknown) => {
          const message = `no token: ${cause instanceof Error ? cause.message : String(cause)}`;
          callback(Object.assign(new Error(message, { cause }), { code: Code.UNAUTHENTICATED }));
        },
      );
  });
}
