/** The sign of life of a claim while a step takes long. */
const beatsALease = 3

/** To be cleared at the end of the work. */
export interface Beat {
  leaseMs: number
  /** @returns false when another has the claim by now */
  renew(): Promise<boolean>
  lost(): void
  /** The database may be away for a moment; the lease decides, not this beat. */
  failed(error: unknown): void
}

export const heartbeat = ({ leaseMs, renew, lost, failed }: Beat): NodeJS.Timeout =>
  setInterval(() => void renew().then((held) => held || lost(), failed), leaseMs / beatsALease)
