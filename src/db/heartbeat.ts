/** Renews a claim while a step takes long. */
const beatsALease = 3

/** The caller clears the timer when the work ends. */
export interface Beat {
  leaseMs: number
  /** @returns false when another process has the claim now */
  renew(): Promise<boolean>
  lost(): void
  /**
   * Called when a renewal fails. The database may be briefly unavailable; only the lease decides
   * whether the claim is lost.
   */
  failed(error: unknown): void
}

export const heartbeat = ({ leaseMs, renew, lost, failed }: Beat): NodeJS.Timeout =>
  setInterval(() => void renew().then((held) => held || lost(), failed), leaseMs / beatsALease)
