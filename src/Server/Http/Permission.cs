namespace Lamina.Server.Http;

/// <summary>What an endpoint needs. Each stands beside its handler; Auth decides who has it.</summary>
internal enum Permission
{
    /// <summary>Anybody, also without a log-in.</summary>
    Public,

    /// <summary>Anybody who has logged in.</summary>
    SignedIn,

    /// <summary>Role viewer: reads.</summary>
    View,

    /// <summary>Role operator: uses and changes VMs, disks, images, ISOs.</summary>
    Operate,

    /// <summary>Role admin: everything.</summary>
    Administer,
}
