package dev.tailwater.connectors.iceberg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Map;
import org.apache.flink.util.InstantiationUtil;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LakeTest {

  @Test
  void aLocalLakeIsASqliteCatalogAndAFolder(@TempDir Path directory) {
    assertThat(Lake.local(directory).sqlCatalogProperties())
        .containsEntry("type", "iceberg")
        .containsEntry("catalog-impl", "org.apache.iceberg.jdbc.JdbcCatalog")
        .containsEntry("uri", "jdbc:sqlite:" + directory.resolve("catalog.db"))
        .containsEntry("warehouse", "file://" + directory.resolve("warehouse"))
        .containsEntry("jdbc.schema-version", "V1")
        .containsEntry("jdbc.journal_mode", "WAL")
        .containsKey("jdbc.busy_timeout");
  }

  @Test
  void aJdbcCatalogIsNamedByItsClass() {
    assertThat(Lake.of(Map.of("catalog-type", "jdbc", "uri", "jdbc:x:y")).sqlCatalogProperties())
        .doesNotContainKey("catalog-type")
        .containsEntry("catalog-impl", "org.apache.iceberg.jdbc.JdbcCatalog")
        .containsEntry("jdbc.schema-version", "V1");
  }

  @Test
  void aCatalogThatIsNotSaidIsRefused() {
    assertThatThrownBy(() -> Lake.of(Map.of("uri", "http://localhost")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("catalog-type (null)");
    assertThatThrownBy(() -> Lake.of(Map.of("catalog-type", "hive")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("catalog-type (hive)");
  }

  @Test
  void aLakeTravelsWithTheJobAndDoesNotShowItsPassword() throws Exception {
    Lake lake =
        Lake.of(Map.of("catalog-type", "jdbc", "warehouse", "s3://w", "jdbc.password", "hunter2"));

    Lake travelled = InstantiationUtil.clone(lake);

    assertThat(travelled.sqlCatalogProperties()).isEqualTo(lake.sqlCatalogProperties());
    assertThat(travelled.toString()).contains("s3://w").doesNotContain("hunter2");
  }

  @Test
  void aCatalogThatDoesNotAnswerIsNamedWithTheNextStepAndWithoutItsPassword() {
    Lake rest = Lake.of(Map.of("catalog-type", "rest", "uri", "http://127.0.0.1:1/?key=hunter2"));
    assertThatThrownBy(rest::deployedViews)
        .hasMessageContaining("The lake's catalog at http://127.0.0.1:1/ cannot be opened: ")
        .hasMessageContaining("Connection refused")
        .hasMessageContaining("Start it, or correct lake.catalog in the environment file.");

    Lake jdbc =
        Lake.of(
            Map.of(
                "catalog-type",
                "jdbc",
                "uri",
                "jdbc:sqlite:/no/such/folder/catalog.db?password=hunter2",
                "warehouse",
                "file:///no/such/folder"));
    assertThatThrownBy(jdbc::deployedViews)
        .hasMessageContaining("catalog at jdbc:sqlite:/no/such/folder/catalog.db cannot be opened");
  }
}
