//! Parameters of statements.

use crate::DbError;
use bytes::BytesMut;
use tokio_postgres::types::{ToSql, Type};

/// A statement's parameters.
pub type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// The types of columns that parameters are for. A value takes exactly one of them.
static TYPES: [Type; 14] = [
    Type::TEXT,
    Type::INT8,
    Type::BYTEA,
    Type::INT4,
    Type::INT2,
    Type::BOOL,
    Type::JSONB,
    Type::FLOAT8,
    Type::TEXT_ARRAY,
    Type::INT8_ARRAY,
    Type::INT4_ARRAY,
    Type::BYTEA_ARRAY,
    Type::BOOL_ARRAY,
    Type::JSONB_ARRAY,
];

/// Gives each parameter its type. A statement without a name must say them: the server is not asked for them first.
pub fn typed<'a>(statement: &str, params: Params<'a>) -> Result<Vec<(&'a (dyn ToSql + Sync), Type)>, DbError> {
    let of = |(number, value): (usize, &&'a (dyn ToSql + Sync))| {
        let mut scratch = BytesMut::new();
        let takes = |kind: &&Type| {
            scratch.clear();
            value.to_sql_checked(kind, &mut scratch).is_ok()
        };
        let kind = TYPES.iter().find(takes);
        let unknown = || DbError::Parameter { place: number + 1, statement: statement.to_owned() };
        Ok((*value, kind.cloned().ok_or_else(unknown)?))
    };
    params.iter().enumerate().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_the_type_of_the_columns_that_it_is_for() {
        let json = serde_json::json!({ "a": 1 });
        let (hashes, names): (Vec<&[u8]>, _) = (vec![&[1, 2]], vec!["a".to_owned()]);
        let params: Params =
            &[&"a", &1i64, &2i32, &3i16, &true, &json, &None::<&str>, &Some(4i32), &hashes, &names, &0.5];
        let types: Vec<Type> = typed("", params).expect("all known").into_iter().map(|(_, kind)| kind).collect();
        use Type as T;
        let expected = [
            T::TEXT,
            T::INT8,
            T::INT4,
            T::INT2,
            T::BOOL,
            T::JSONB,
            T::TEXT,
            T::INT4,
            T::BYTEA_ARRAY,
            T::TEXT_ARRAY,
            T::FLOAT8,
        ];
        assert_eq!(types, expected);
    }

    #[test]
    fn a_value_of_a_type_that_no_column_has_is_named() {
        let error = typed("SELECT $1, $2", &[&"a", &7u32]).expect_err("refused").to_string();
        assert!(error.contains("$2") && error.contains("SELECT"), "{error}");
    }
}
