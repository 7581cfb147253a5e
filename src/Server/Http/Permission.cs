namespace Lamina.Server.Http;

/// <summary>
/// What an endpoint demands of its caller. Read = see, Use = start, stop, console, exec, Change = create, configure, delete. Which role has
/// which is one table: <c>Auth/RolePermissions.cs</c>.
/// </summary>
internal enum Permission
{
    // Held in a project.
    VmsRead,
    VmsUse,
    VmsChange,
    DisksRead,
    ImagesRead,
    ImagesChange,
    IsosRead,
    IsosChange,
    OperationsRead,
    OperationsCancel,
    EventsRead,

    // Of the installation, but seen by whoever works in any project: a VM is placed on a host, a pool and a network.
    HostsRead,
    PoolsRead,
    NetworksRead,
    ProjectsRead,

    /// <summary>One's own log-in, tokens, password and rights; every authenticated caller has it.</summary>
    OwnAccount,

    // Of the installation.
    NetworksChange,
    PoolsChange,
    ProjectsChange,
    UsersRead,
    UsersChange,
    AuditRead,
    DoctorRead,
}
