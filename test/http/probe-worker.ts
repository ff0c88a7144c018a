/** Calls a service's probe every 10 ms, in a thread of its own, until stopped; then reports how long each response took, ms; Infinity where there was none. */
import { request } from 'node:http'
import { parentPort, workerData } from 'node:worker_threads'

const took: number[] = []

/** Over a connection of its own, like an external probe. */
const ask = () =>
  new Promise<void>((resolve) => {
    const lost = () => {
      took.push(Number.POSITIVE_INFINITY)
      resolve()
    }
    const began = performance.now()
    request(new URL('/livez', workerData as string), { agent: false }, (answer) => {
      answer.resume()
      if (answer.statusCode !== 200) return lost()
      answer.on('end', () => {
        took.push(performance.now() - began)
        resolve()
      })
    })
      .on('error', lost)
      .end()
  })

// Whether the last one is answered or not: one that waits would hide how many would have waited.
const asked: Promise<void>[] = []
const timer = setInterval(() => asked.push(ask()), 10)
parentPort?.once('message', async () => {
  clearInterval(timer)
  await Promise.all(asked)
  parentPort?.postMessage(took)
})
