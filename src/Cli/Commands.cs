using System.CommandLine;
using Lamina.Cli;
using Lamina.Cli.Manual;
using Lamina.Cli.Networks;
using Lamina.Cli.Vms;

/// <summary>The whole tree of commands. Beside Program.cs above all namespaces, since it uses all of them.</summary>
internal static class Commands
{
    public static RootCommand Build()
    {
        var root = new RootCommand("Lamina: virtual machines on your own servers")
        {
            VmCommands.Build(),
            ImageCommands.Build(),
            IsoCommands.Build(),
            OperatingSystemCommands.Build(),
            DiskCommands.Build(VmDiskCommands.AttachDisk(), VmDiskCommands.DetachDisk()),
            PoolCommands.Build(),
            FirewallCommands.Build(),
            NetworkCommands.Build(),
            HostCommands.Build(),
            ClusterCommands.Build(),
            PlacementCommands.Build(),
            MigrationCommands.Build(),
            OperationCommands.Build(),
            EventCommands.Build(),
            EventCommands.Audit(),
            UserCommands.Users(),
            UserCommands.Tokens(),
            SessionCommands.Build(),
            UserCommands.WhoAmI(),
            UserCommands.Roles(),
            CertificateCommands.Build(),
            BackupCommands.Build(),
            DoctorCommand.Build(),
            LogCommand.Build(),
            SupportBundleCommand.Build(),
            ContextCommands.Login(),
            ContextCommands.Build(),
            ApiCommand.Build(),
            CompletionCommand.Build(),
        };
        foreach (var command in ResourceCommands.Build()) root.Add(command);
        root.Add(ManualCommand.Build(root));
        foreach (var option in Globals.All) root.Add(option);
        return root;
    }
}
