import type { FastifyReply } from 'fastify';

/** Bytes that a caller or a model gave. */
export type Download = { bytes: Buffer; mediaType: string; filename: string };

/** Sends bytes as a file to be stored: a browser neither shows nor executes them on the origin of the service. */
export const sendDownload = (reply: FastifyReply, { bytes, mediaType, filename }: Download) =>
  reply
    .header('content-type', mediaType)
    .header('content-disposition', `attachment; filename="${filename}"`)
    .header('x-content-type-options', 'nosniff')
    .header('content-security-policy', "default-src 'none'; sandbox")
    .header('cache-control', 'private, no-store')
    .serializer((payload: unknown) => payload as string)
    .send(bytes);
