/** A small HTTP proxy that knows CONNECT alone, for tests of tunnels. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as net from "node:net"
import * as tls from "node:tls"

export interface ConnectProxy {
  /** host:port */
  readonly address: string
  /** What each request asked for, with its Proxy-Authorization. */
  readonly asked: ReadonlyArray<{ readonly target: string; readonly authorization: string | undefined }>
}

export interface ConnectProxyOptions {
  /** Status of the answer to CONNECT; 200 unless given. undefined: never answers. */
  readonly answer?: (target: string) => number | undefined
  /** Where a name leads to; as it is written unless given. */
  readonly resolve?: (target: string) => string
  /** PEM: it is spoken to inside TLS. */
  readonly tls?: { readonly cert: string; readonly key: string }
}

const headOf = (socket: net.Socket, then: (head: string) => void): void => {
  let text = ""
  const listen = (piece: Buffer): void => {
    text += piece.toString("latin1")
    if (!text.includes("\r\n\r\n")) return
    socket.off("data", listen)
    socket.pause()
    then(text)
  }
  socket.on("data", listen)
}

/** Listens on 127.0.0.1 until the scope closes. */
export const make = (options: ConnectProxyOptions = {}): Effect.Effect<ConnectProxy, never, Scope.Scope> =>
  Effect.gen(function* () {
    const asked: Array<ConnectProxy["asked"][number]> = []
    const sockets = new Set<net.Socket>()
    const keep = (socket: net.Socket): void => {
      sockets.add(socket)
      // Cut at either end is what these tests do.
      socket.on("error", () => socket.destroy()).on("close", () => sockets.delete(socket))
    }
    const serve = (socket: net.Socket, head: string): void => {
      const target = /^CONNECT (\S+) HTTP\/1\.1\r\n/u.exec(head)?.[1] ?? ""
      asked.push({ target, authorization: /\r\nproxy-authorization: ([^\r]+)/iu.exec(head)?.[1] })
      const status = target === "" ? 400 : options.answer === undefined ? 200 : options.answer(target)
      if (status === undefined) return
      if (status !== 200) {
        socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`)
        return
      }
      const url = new URL(`http://${(options.resolve ?? ((same) => same))(target)}`)
      const far = net.connect(Number(url.port || 80), url.hostname.replace(/^\[(.*)\]$/u, "$1"), () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n")
        socket.pipe(far).pipe(socket)
      })
      keep(far)
      far.on("close", () => socket.destroy())
      socket.on("close", () => far.destroy())
    }
    const listener = (socket: net.Socket): void => {
      keep(socket)
      headOf(socket, (head) => serve(socket, head))
    }
    const server =
      options.tls === undefined ? net.createServer(listener) : tls.createServer({ ...options.tls }, listener)
    const port = yield* Effect.acquireRelease(
      Effect.callback<number>((resume) => {
        server.listen(0, "127.0.0.1", () => {
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
    return { address: `127.0.0.1:${port}`, asked }
  })
