package dev.tailwater.connectors.iceberg;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.function.Consumer;
import org.apache.iceberg.AppendFiles;
import org.apache.iceberg.BaseTable;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.SnapshotAncestryValidator;
import org.apache.iceberg.TableOperations;
import org.apache.iceberg.flink.sink.SinkUtil;

/**
 * A table that a checkpoint is appended to at most once. Iceberg's committer looks once, before it
 * commits, whether the checkpoint is there already. If a commit of a dead attempt lands after that
 * look, the same files would be appended again. Here the look is repeated inside the commit,
 * against the very snapshot that it builds on; a second append fails, and after its restart the job
 * finds the first one.
 */
final class GuardedTable extends BaseTable {

  GuardedTable(TableOperations operations, String name) {
    super(operations, name);
  }

  @Override
  public AppendFiles newAppend() {
    return new OnceAppend(super.newAppend(), name());
  }

  /** Remembers which checkpoint of which operator it appends, and checks that before it commits. */
  private static final class OnceAppend implements AppendFiles, SnapshotAncestryValidator {

    private final AppendFiles append;
    private final String table;
    private final Map<String, String> summary = new HashMap<>();

    OnceAppend(AppendFiles append, String table) {
      this.append = append.validateWith(this);
      this.table = table;
    }

    @Override
    public boolean validate(Iterable<Snapshot> ancestors) {
      String checkpoint = summary.get(SinkUtil.MAX_COMMITTED_CHECKPOINT_ID);
      if (checkpoint == null) {
        return true;
      }
      for (Snapshot ancestor : ancestors) {
        String committed = ancestor.summary().get(SinkUtil.MAX_COMMITTED_CHECKPOINT_ID);
        if (committed != null
            && isSame(ancestor, SinkUtil.FLINK_JOB_ID)
            && isSame(ancestor, SinkUtil.OPERATOR_ID)) {
          return Long.parseLong(committed) < Long.parseLong(checkpoint);
        }
      }
      return true;
    }

    private boolean isSame(Snapshot ancestor, String property) {
      String own = summary.get(property);
      return own != null && own.equals(ancestor.summary().get(property));
    }

    @Override
    public String errorMessage() {
      return "table "
          + table
          + " already holds checkpoint "
          + summary.get(SinkUtil.MAX_COMMITTED_CHECKPOINT_ID)
          + " of this job: a commit of an earlier attempt has landed. Nothing is lost; the restarted"
          + " job continues after it.";
    }

    @Override
    public AppendFiles appendFile(DataFile file) {
      append.appendFile(file);
      return this;
    }

    @Override
    public AppendFiles appendManifest(ManifestFile file) {
      append.appendManifest(file);
      return this;
    }

    @Override
    public AppendFiles set(String property, String value) {
      summary.put(property, value);
      append.set(property, value);
      return this;
    }

    @Override
    public AppendFiles deleteWith(Consumer<String> delete) {
      append.deleteWith(delete);
      return this;
    }

    @Override
    public AppendFiles stageOnly() {
      append.stageOnly();
      return this;
    }

    @Override
    public AppendFiles scanManifestsWith(ExecutorService executor) {
      append.scanManifestsWith(executor);
      return this;
    }

    @Override
    public AppendFiles toBranch(String branch) {
      append.toBranch(branch);
      return this;
    }

    @Override
    public AppendFiles validateWith(SnapshotAncestryValidator validator) {
      append.validateWith(ancestors -> this.validate(ancestors) && validator.validate(ancestors));
      return this;
    }

    @Override
    public Snapshot apply() {
      return append.apply();
    }

    @Override
    public void commit() {
      append.commit();
    }

    @Override
    public Object updateEvent() {
      return append.updateEvent();
    }
  }
}
