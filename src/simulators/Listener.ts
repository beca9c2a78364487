/** Serves a Handler on a socket of 127.0.0.1, by HTTP or HTTPS: the real-wire side of every simulator. */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Stream from "effect/Stream"
import * as http from "node:http"
import * as https from "node:https"
import type * as net from "node:net"
import { TLSSocket } from "node:tls"
import type { Connection, Handler, Request, Response } from "../../schemas/http/Exchange.ts"

/** The address cannot be listened on. */
export class ListenError extends Data.TaggedError("ListenError")<{
  readonly address: string
  readonly code: string
}> {
  override get message() {
    return `cannot listen on ${this.address}: ${this.code}`
  }
}

export interface ListenTls {
  /** PEM. */
  readonly cert: string
  /** PEM. */
  readonly key: string
  /** PEM: asks for a client certificate, which the handler then sees when one of these issued it. */
  readonly clientCa?: string
}

export interface ListenOptions {
  readonly handler: Handler
  /** Plain HTTP without. */
  readonly tls?: ListenTls
  /** 0, the default, takes a free one. */
  readonly port?: number
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Larger requests are answered 413. Default 64 MiB. */
  readonly maxBodyBytes?: number
}

export interface Listener {
  /** scheme://host:port */
  readonly origin: string
  readonly port: number
  /** Sockets open now. */
  readonly connections: Effect.Effect<number>
}

const headersOf = (message: http.IncomingMessage): Record<string, string> => {
  const headers: Record<string, string> = {}
  for (let at = 0; at + 1 < message.rawHeaders.length; at += 2) {
    const name = (message.rawHeaders[at] ?? "").toLowerCase()
    const value = message.rawHeaders[at + 1] ?? ""
    const before = headers[name]
    headers[name] = before === undefined ? value : `${before}, ${value}`
  }
  return headers
}

/** The whole body, or undefined when it is larger than allowed or was cut off. */
const readBody = (message: http.IncomingMessage, maxBytes: number): Effect.Effect<Uint8Array | undefined> =>
  Effect.callback((resume) => {
    const pieces: Array<Buffer> = []
    let size = 0
    message.on("data", (piece: Buffer) => {
      size += piece.length
      if (size > maxBytes) resume(Effect.undefined)
      else pieces.push(piece)
    })
    message.on("end", () => resume(Effect.sync(() => new Uint8Array(Buffer.concat(pieces)))))
    message.on("error", () => resume(Effect.undefined))
  })

/** Waits where the socket is full; a socket that is gone swallows the rest until the fiber is interrupted. */
const write = (reply: http.ServerResponse, piece: Uint8Array): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (reply.write(piece)) resume(Effect.void)
    else reply.once("drain", () => resume(Effect.void))
  })

/** A challenge a line, as HTTP.sys writes them: bodgit/ntlmssp compares whole lines. */
const headOf = ({ "www-authenticate": challenges, ...headers }: Response["headers"]) => ({
  ...headers,
  ...(challenges !== undefined && { "www-authenticate": challenges.split(", ") })
})

const send = (reply: http.ServerResponse, response: Response): Effect.Effect<void> => {
  if (response.body instanceof Uint8Array) {
    const body = response.body
    // Ends once all was handed to the socket: until then the exchange can still fail.
    return Effect.callback((resume) => {
      reply.once("finish", () => resume(Effect.void))
      reply.writeHead(response.status, { ...headOf(response.headers), "content-length": String(body.length) })
      reply.end(body)
    })
  }
  const body = response.body
  return Effect.sync(() => {
    reply.writeHead(response.status, headOf(response.headers))
    reply.flushHeaders()
  }).pipe(
    Effect.andThen(Stream.runForEach(body, (piece) => write(reply, piece))),
    Effect.andThen(Effect.sync(() => reply.end()))
  )
}

const refuse = (reply: http.ServerResponse, status: number): Effect.Effect<void> =>
  Effect.sync(() => {
    if (reply.headersSent) reply.destroy()
    else reply.writeHead(status, { "content-length": "0", connection: "close" }).end()
  })

/** Numbers connections from 1, and remembers which is which for as long as its socket lives. */
const connectionsOf = () => {
  const known = new WeakMap<net.Socket, Connection>()
  let last = 0
  return (socket: net.Socket): Connection => {
    const before = known.get(socket)
    if (before !== undefined) return before
    const tls = socket instanceof TLSSocket ? socket : undefined
    const peer = tls?.authorized === true ? tls.getPeerX509Certificate() : undefined
    const connection: Connection = {
      id: ++last,
      secure: tls !== undefined,
      ...(peer === undefined ? {} : { clientCertificate: new Uint8Array(peer.raw) })
    }
    known.set(socket, connection)
    return connection
  }
}

/**
 * Listens until the scope closes; then open sockets are destroyed and exchanges in flight interrupted. A handler's
 * fiber is interrupted when its client goes away. A defect of a handler is logged and answered 500.
 */
export const listen = Effect.fn("Listener.listen")(function* (options: ListenOptions) {
  const exchanges = yield* FiberSet.make<void>()
  const run = yield* FiberSet.runtime(exchanges)()
  const connectionOf = connectionsOf()
  const sockets = new Set<net.Socket>()

  const exchange = (message: http.IncomingMessage, reply: http.ServerResponse): Effect.Effect<void> =>
    Effect.gen(function* () {
      const body = yield* readBody(message, options.maxBodyBytes ?? 64 * 1024 * 1024)
      if (body === undefined) return yield* refuse(reply, 413)
      const request: Request = {
        method: message.method ?? "GET",
        target: message.url ?? "/",
        headers: headersOf(message),
        body
      }
      yield* Effect.flatMap(options.handler(request, connectionOf(message.socket)), (response) => send(reply, response))
    }).pipe(
      Effect.scoped,
      Effect.onExit((exit) =>
        Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)
          ? Effect.andThen(Effect.logError("handler died", exit.cause), refuse(reply, 500))
          : Effect.sync(() => {
              // A handler that interrupts itself resets the connection; the client may be gone already.
              if (Exit.isFailure(exit)) reply.destroy()
            })
      ),
      Effect.exit,
      Effect.asVoid
    )

  const listener: http.RequestListener = (message, reply) => {
    const fiber = run(exchange(message, reply))
    reply.on("close", () => {
      if (!reply.writableFinished) fiber.interruptUnsafe()
    })
  }
  // Without its own time-out the server sends no Keep-Alive header, which clients would take as the sockets' lifetime.
  const server =
    options.tls === undefined
      ? http.createServer({ keepAliveTimeout: 0 }, listener)
      : https.createServer(
          {
            keepAliveTimeout: 0,
            cert: options.tls.cert,
            key: options.tls.key,
            ...(options.tls.clientCa === undefined
              ? {}
              : { ca: options.tls.clientCa, requestCert: true, rejectUnauthorized: false })
          },
          listener
        )
  // Sockets before TLS: one that never finishes its handshake must not outlive the listener either.
  server.on("connection", (socket: net.Socket) => {
    socket.setNoDelay(true)
    sockets.add(socket)
    socket.on("close", () => sockets.delete(socket))
  })

  // Node's parser reads a TLS connection past its stream. While an answer waits to be written it is paused, is handed the next
  // record all the same, and fails ("Parse Error: Paused"). Where somebody else listens, too, it reads the stream.
  server.on("secureConnection", (socket: TLSSocket) => void socket.on("data", () => undefined))

  const host = options.host ?? "127.0.0.1"
  const port = yield* Effect.acquireRelease(
    Effect.callback<number, ListenError>((resume) => {
      server.once("error", (error: NodeJS.ErrnoException) =>
        resume(new ListenError({ address: `${host}:${options.port ?? 0}`, code: error.code ?? error.message }))
      )
      server.listen({ host, port: options.port ?? 0 }, () => {
        const address = server.address()
        resume(Effect.succeed(address !== null && typeof address === "object" ? address.port : 0))
      })
    }),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        for (const socket of sockets) socket.destroy()
      })
  )
  return {
    origin: `${options.tls === undefined ? "http" : "https"}://${host}:${port}`,
    port,
    connections: Effect.sync(() => sockets.size)
  } satisfies Listener
})
