namespace Lamina.Tests.Integration.Migration;

/// <summary>The kernel's setting that post-copy needs: it is the whole machine's, so that tests which need it run one after the other, and it is put back after them.</summary>
public sealed class PostCopySetting : IDisposable
{
    private const string Setting = "/proc/sys/vm/unprivileged_userfaultfd";

    private readonly string? _former;

    public PostCopySetting()
    {
        if (!File.Exists(Setting)) return;
        _former = File.ReadAllText(Setting);
        IsOpen = TrySet("1");
    }

    /// <summary>A QEMU without privileges may wait for pages.</summary>
    public bool IsOpen { get; }

    /// <summary>For tests that are skipped.</summary>
    public static string Reason => "the kernel does not let this test set vm.unprivileged_userfaultfd";

    /// <summary>As on a machine on which nobody has set it, until this is disposed of.</summary>
    public static IDisposable Close()
    {
        TrySet("0");
        return new Opening();
    }

    public void Dispose()
    {
        if (_former is not null) TrySet(_former);
    }

    private static bool TrySet(string value)
    {
        try
        {
            File.WriteAllText(Setting, value);
            return true;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private sealed class Opening : IDisposable
    {
        public void Dispose() => TrySet("1");
    }
}

[CollectionDefinition(nameof(PostCopySetting))]
public sealed class PostCopySettingCollection : ICollectionFixture<PostCopySetting>;
