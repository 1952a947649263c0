import { readFile } from "node:fs/promises";

import { credentials, Metadata, status as Code, type ChannelCredentials } from "@grpc/grpc-js";

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

/** Returns credentials of a channel, with a token for every call if there is one. */
export function combined(
  tls: ChannelCredentials | undefined,
  token: (() => string | Promise<string>) | undefined,
): ChannelCredentials {
  if (token === undefined) return tls ?? credentials.createInsecure();
  if (tls === undefined) throw new TypeError("a token needs TLS: it could be read on the way");
  const bearer = credentials.createFromMetadataGenerator((_, callback) => {
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
  return credentials.combineChannelCredentials(tls, bearer);
}
