/** Words of enums as ARM spells them: as a text, in a list of texts, or by the names of properties. */
type Spelling = readonly string[] | { readonly [name: string]: Spelling };

const AUTO_USER = { scope: ['Task', 'Pool'], elevationLevel: ['NonAdmin', 'Admin'] };

/** Enums of a pool, where the data plane writes lower case. */
export const POOL_SPELLING = {
  machine: {
    dataDisks: {
      caching: ['None', 'ReadOnly', 'ReadWrite'],
      storageAccountType: ['Standard_LRS', 'Premium_LRS'],
    },
    containerConfiguration: { type: ['DockerCompatible', 'CriCompatible'] },
    diskEncryptionConfiguration: { targets: ['OsDisk', 'TemporaryDisk'] },
    nodePlacementConfiguration: { policy: ['Regional', 'Zonal'] },
    osDisk: { ephemeralOSDiskSettings: { placement: ['CacheDisk'] } },
  },
  network: {
    endpointConfiguration: {
      inboundNatPools: {
        protocol: ['TCP', 'UDP'],
        networkSecurityGroupRules: { access: ['Allow', 'Deny'] },
      },
    },
    publicIPAddressConfiguration: {
      provision: ['BatchManaged', 'UserManaged', 'NoPublicIPAddresses'],
    },
  },
  userAccounts: {
    elevationLevel: AUTO_USER.elevationLevel,
    windowsUserConfiguration: { loginMode: ['Batch', 'Interactive'] },
  },
  startTask: {
    userIdentity: { autoUser: AUTO_USER },
    containerSettings: { workingDirectory: ['TaskWorkingDirectory', 'ContainerImageDefault'] },
  },
  certificates: {
    storeLocation: ['CurrentUser', 'LocalMachine'],
    visibility: ['StartTask', 'Task', 'RemoteUser'],
  },
  taskSchedulingPolicy: { nodeFillType: ['Spread', 'Pack'] },
  communicationMode: ['Default', 'Classic', 'Simplified'],
  allocationState: ['Steady', 'Resizing', 'Stopping'],
  deallocationOption: ['Requeue', 'Terminate', 'TaskCompletion', 'RetainedData'],
} as const satisfies Record<string, Spelling>;

const isWords = (spelling: Spelling): spelling is readonly string[] => Array.isArray(spelling);

/** The same value with its enums as ARM spells them; what the spelling does not name stays as it is. */
export function spelled(value: unknown, spelling: Spelling): unknown {
  if (Array.isArray(value)) return value.map((one) => spelled(one, spelling));
  if (isWords(spelling))
    return spelling.find((word) => word.toLowerCase() === String(value).toLowerCase()) ?? value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]: [string, unknown]) => {
      const one = Object.hasOwn(spelling, name) ? spelling[name] : undefined;
      return [name, one === undefined ? inner : spelled(inner, one)];
    }),
  );
}
