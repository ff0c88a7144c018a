/** Renews a claim while a step takes long. */
const heartbeatsPerLease = 3

/** The caller clears the timer when the work ends. */
export interface HeartbeatOptions {
  leaseMs: number
  /** @returns false when another process has the claim now */
  renew(): Promise<boolean>
  onLost(): void
  /**
   * Called when a renewal fails. The database may be briefly unavailable; only the lease decides
   * whether the claim is lost.
   */
  onError(error: unknown): void
}

export const heartbeat = ({ leaseMs, renew, onLost, onError }: HeartbeatOptions): NodeJS.Timeout =>
  setInterval(() => void renew().then((held) => held || onLost(), onError), leaseMs / heartbeatsPerLease)
