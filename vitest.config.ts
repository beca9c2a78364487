import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    globalSetup: ["test/harness/globalSetup.ts"],
    setupFiles: ["test/harness/Chance.ts"],
    include: ["test/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 120_000
  }
})
